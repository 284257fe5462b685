package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Introspect says whether the token may do this now. Asked at each request, so that a revocation counts at once.
func Introspect(token string, scopes ...string) (bool, error) {
	form := strings.NewReader(url.Values{"token": {token}}.Encode())
	request, err := http.NewRequest("POST", "{issuer}/oauth/introspect", form)
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(os.Getenv("API_ID"), os.Getenv("API_SECRET"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("introspection answered %s", response.Status)
	}
	var answer struct {
		Active bool
		Aud    string
		Scope  string
		Cnf    *struct{}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return false, err
	}
	// One that is bound to a key (cnf) needs its proof judged too, as below.
	if !answer.Active || answer.Cnf != nil || (answer.Aud != "" && answer.Aud != "{audience}") {
		return false, nil
	}
	granted := strings.Fields(answer.Scope)
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			return false, nil
		}
	}
	return true, nil
}
