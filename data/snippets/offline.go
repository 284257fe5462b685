package api

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are what a token says (RFC 9068).
type Claims struct {
	jwt.Claims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	Cnf      *struct {
		Jkt string `json:"jkt"`
	} `json:"cnf"`
}

var (
	mutex sync.Mutex
	keys  jose.JSONWebKeySet
	read  time.Time
	used  = map[string]time.Time{} // proofs of the last minutes; several processes must share them
)

// key is cached for five minutes, and asked for again when it is not there, but not more than once in ten seconds.
func key(kid string) (*jose.JSONWebKey, error) {
	mutex.Lock()
	defer mutex.Unlock()
	found := keys.Key(kid)
	if age := time.Since(read); age > 5*time.Minute || len(found) == 0 && age > 10*time.Second {
		response, err := http.Get("{jwks_uri}")
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		var fresh jose.JSONWebKeySet
		if err := json.NewDecoder(response.Body).Decode(&fresh); err != nil || response.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the keys are not to be had: %s", response.Status)
		}
		keys, read = fresh, time.Now()
		found = keys.Key(kid)
	}
	if len(found) != 1 {
		return nil, errors.New("the key of the token is not known")
	}
	return &found[0], nil
}

// Authenticate returns what a good token says. The URL is the one that the client called.
func Authenticate(method, url, authorization, proof string, scopes ...string) (*Claims, error) {
	scheme, token, _ := strings.Cut(authorization, " ")
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{"{algorithm}"})
	if err != nil {
		return nil, err
	}
	header := parsed.Headers[0]
	if header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
		return nil, errors.New("this is no access token")
	}
	signer, err := key(header.KeyID)
	if err != nil {
		return nil, err
	}
	var claims Claims
	if err := parsed.Claims(signer.Key, &claims); err != nil {
		return nil, err
	}
	expected := jwt.Expected{Issuer: "{issuer}", AnyAudience: jwt.Audience{"{audience}"}, Time: time.Now()}
	if err := claims.ValidateWithLeeway(expected, 0); err != nil {
		return nil, err
	}
	if claims.Expiry == nil || claims.Subject == "" || claims.ClientID == "" {
		return nil, errors.New("a claim of the token is missing")
	}
	if claims.Cnf != nil || !strings.EqualFold(scheme, "bearer") {
		if claims.Cnf == nil || judge(proof, method, url, token, claims.Cnf.Jkt) != nil {
			return nil, errors.New("invalid_dpop_proof")
		}
	}
	granted := strings.Fields(claims.Scope)
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			return nil, errors.New("insufficient_scope")
		}
	}
	return &claims, nil
}

// judge is for DPoP (RFC 9449): the client shows that it holds the key that the token is bound to.
func judge(proof, method, url, token, jkt string) error {
	parsed, err := jwt.ParseSigned(proof, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256, jose.PS256})
	if err != nil {
		return err
	}
	header := parsed.Headers[0]
	own := header.JSONWebKey
	if own == nil || !own.Valid() || !own.IsPublic() || header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" {
		return errors.New("this is no proof")
	}
	var claims struct {
		Jti string `json:"jti"`
		Htm string `json:"htm"`
		Htu string `json:"htu"`
		Ath string `json:"ath"`
		Iat int64  `json:"iat"`
	}
	if err := parsed.Claims(own.Key, &claims); err != nil {
		return err
	}
	thumbprint, err := own.Thumbprint(crypto.SHA256)
	if err != nil {
		return err
	}
	encode, hash, now := base64.RawURLEncoding.EncodeToString, sha256.Sum256([]byte(token)), time.Now()
	bare := func(url string) string { return url[:strings.IndexAny(url+"?", "?#")] }
	if claims.Htm != method || bare(claims.Htu) != bare(url) || claims.Ath != encode(hash[:]) ||
		encode(thumbprint) != jkt || claims.Jti == "" || claims.Iat < now.Unix()-300 || claims.Iat > now.Unix()+5 {
		return errors.New("the proof is not for this request")
	}
	mutex.Lock()
	defer mutex.Unlock()
	for jti, until := range used {
		if until.Before(now) {
			delete(used, jti)
		}
	}
	if _, again := used[claims.Jti]; again {
		return errors.New("this proof was used before")
	}
	used[claims.Jti] = now.Add(310 * time.Second)
	return nil
}
