<?php
// What the token may do now, or null. Asked at each request, so that a revocation counts at once.
function introspect(string $token, array $scopes): ?array
{
    $ask = curl_init('{issuer}/oauth/introspect');
    curl_setopt_array($ask, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 5,
        CURLOPT_USERPWD => getenv('API_ID') . ':' . getenv('API_SECRET'),
        CURLOPT_POSTFIELDS => http_build_query(['token' => $token]),
    ]);
    $body = curl_exec($ask);
    if ($body === false || curl_getinfo($ask, CURLINFO_RESPONSE_CODE) !== 200) {
        throw new RuntimeException('introspection did not answer');
    }
    $answer = json_decode($body, true, flags: JSON_THROW_ON_ERROR);
    if (!$answer['active'] || ($answer['aud'] ?? '{audience}') !== '{audience}') return null;
    if (array_diff($scopes, explode(' ', $answer['scope']))) return null;
    return isset($answer['cnf']) ? null : $answer; // bound to a key: its proof has to be judged too
}
