const credentials = Buffer.from(`${process.env.API_ID}:${process.env.API_SECRET}`).toString("base64");

// What the token may do now, or null. Asked at each request, so that a revocation counts at once.
export async function introspect(token, scopes) {
  const response = await fetch("{issuer}/oauth/introspect", {
    method: "POST",
    headers: { Authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token }),
  });
  if (!response.ok) throw new Error(`introspection answered ${response.status}`);
  const answer = await response.json();
  if (!answer.active || (answer.aud ?? "{audience}") !== "{audience}") return null;
  const granted = answer.scope.split(" ");
  if (!scopes.every((scope) => granted.includes(scope))) return null;
  return answer.cnf ? null : answer; // bound to a key: judge its proof too, as below
}
