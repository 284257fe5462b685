<?php
// With what comes with PHP: sodium verifies EdDSA, openssl verifies ES256 and RS256.

// What a good token says. Throws otherwise. The URL is the one that the client called.
function authenticate(string $method, string $url, string $authorization, string $proof, array $scopes): array
{
    [$scheme, $token] = array_pad(explode(' ', $authorization, 2), 2, '');
    $kid = parts($token)[0]['kid'] ?? null;
    [$header, $claims] = verified($token, '{algorithm}', is_string($kid) ? signing_key($kid) : []);
    $now = time();
    $good = ($header['typ'] ?? '') === 'at+jwt'
        && ($claims['iss'] ?? '') === '{issuer}'
        && in_array('{audience}', (array) ($claims['aud'] ?? []), true)
        && ($claims['exp'] ?? 0) > $now
        && ($claims['iat'] ?? INF) <= $now + 5;
    if (!$good) throw new UnexpectedValueException('invalid_token');
    if (isset($claims['cnf']) || strtolower($scheme) !== 'bearer') {
        judge($proof, $method, $url, $token, $claims['cnf']['jkt'] ?? '');
    }
    if (array_diff($scopes, explode(' ', $claims['scope'] ?? ''))) {
        throw new UnexpectedValueException('insufficient_scope');
    }
    return $claims;
}

// DPoP (RFC 9449): the client shows that it holds the key that the token is bound to.
function judge(string $proof, string $method, string $url, string $token, string $jkt): void
{
    $header = parts($proof)[0];
    $jwk = is_array($header['jwk'] ?? null) ? array_filter($header['jwk'], 'is_string') : [];
    $algorithm = ['EC' => 'ES256', 'OKP' => 'EdDSA', 'RSA' => 'RS256'][$jwk['kty'] ?? ''] ?? '';
    [, $claims] = verified($proof, $algorithm, $jwk);
    $members = ['ES256' => ['crv', 'kty', 'x', 'y'], 'EdDSA' => ['crv', 'kty', 'x'], 'RS256' => ['e', 'kty', 'n']][$algorithm];
    $canonical = [];
    foreach ($members as $member) $canonical[$member] = $jwk[$member] ?? '';
    $now = time();
    $good = ($header['typ'] ?? '') === 'dpop+jwt'
        && !isset($jwk['d'])
        && ($claims['htm'] ?? '') === $method
        && is_string($claims['htu'] ?? null) && bare($claims['htu']) === bare($url)
        && ($claims['ath'] ?? '') === digest($token)
        && digest(json_encode($canonical, JSON_UNESCAPED_SLASHES)) === $jkt
        && is_int($claims['iat'] ?? null) && abs($now - $claims['iat']) <= 300
        && is_string($claims['jti'] ?? null)
        && first_time($claims['jti']);
    if (!$good) throw new UnexpectedValueException('invalid_dpop_proof');
}

// Where several processes answer, they must share this: apcu_add("dpop $jti", true, 610).
function first_time(string $jti): bool
{
    static $used = [];
    if (isset($used[$jti])) return false;
    return $used[$jti] = true;
}

// Kept for five minutes in a directory that nobody else writes to; asked again for a key that is not in it.
function signing_key(string $kid): array
{
    $file = __DIR__ . '/jwks.json';
    foreach ([true, false] as $kept) {
        if ($kept && (!is_file($file) || filemtime($file) < time() - 300)) continue;
        if (!$kept) {
            $ask = curl_init('{jwks_uri}');
            curl_setopt_array($ask, [CURLOPT_RETURNTRANSFER => true, CURLOPT_FAILONERROR => true, CURLOPT_TIMEOUT => 5]);
            $body = curl_exec($ask);
            if ($body === false) throw new RuntimeException('the keys cannot be read');
            file_put_contents($file, $body, LOCK_EX);
        }
        foreach (json_decode(file_get_contents($file), true)['keys'] ?? [] as $key) {
            if (($key['kid'] ?? null) === $kid) return $key;
        }
    }
    throw new UnexpectedValueException('invalid_token');
}

// Header and claims, not verified yet.
function parts(string $jws): array
{
    $parts = array_map(unbase64(...), explode('.', $jws));
    $read = array_map(fn (string $part) => json_decode($part, true), array_slice($parts, 0, 2));
    if (count($parts) !== 3 || !is_array($read[0]) || !is_array($read[1])) {
        throw new UnexpectedValueException('this is no JWT');
    }
    return [...$read, $parts[2]];
}

function verified(string $jws, string $algorithm, array $jwk): array
{
    [$header, $claims, $signature] = parts($jws);
    $text = substr($jws, 0, strrpos($jws, '.'));
    [$n, $e, $x, $y] = array_map(fn ($member) => unbase64($jwk[$member] ?? ''), ['n', 'e', 'x', 'y']);
    $point = "\x03\x42\x00\x04$x$y";
    $good = ($header['alg'] ?? '') === $algorithm && !isset($header['crit']) && match ($algorithm) {
        'EdDSA' => strlen($signature) === 64 && strlen($x) === 32 && sodium_crypto_sign_verify_detached($signature, $text, $x),
        'ES256' => strlen($signature) === 64 && strlen($x) === 32 && strlen($y) === 32 && ($jwk['crv'] ?? '') === 'P-256'
            && openssl_good($text, der("\x30", integer(substr($signature, 0, 32)) . integer(substr($signature, 32))),
                hex2bin('301306072a8648ce3d020106082a8648ce3d030107') . $point),
        'RS256' => strlen($n) >= 256 && openssl_good($text, $signature,
            hex2bin('300d06092a864886f70d0101010500') . der("\x03", "\0" . der("\x30", integer($n) . integer($e)))),
        default => false,
    };
    if (!$good) throw new UnexpectedValueException('the signature is no good');
    return [$header, $claims];
}

function openssl_good(string $text, string $signature, string $key): bool
{
    $pem = "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode(der("\x30", $key)), 64, "\n") . "-----END PUBLIC KEY-----\n";
    $read = openssl_pkey_get_public($pem);
    return $read !== false && openssl_verify($text, $signature, $read, OPENSSL_ALGO_SHA256) === 1;
}

function der(string $tag, string $bytes): string
{
    $length = strlen($bytes);
    return $tag . ($length < 128 ? chr($length) : "\x82" . pack('n', $length)) . $bytes;
}

function integer(string $bytes): string
{
    $bytes = ltrim($bytes, "\0");
    return der("\x02", ($bytes === '' || ord($bytes[0]) > 127 ? "\0" : '') . $bytes);
}

function bare(string $url): string
{
    return preg_replace('/[?#].*$/s', '', $url);
}

function digest(string $text): string
{
    return rtrim(strtr(base64_encode(hash('sha256', $text, true)), '+/', '-_'), '=');
}

function unbase64(string $text): string
{
    return (string) base64_decode(strtr($text, '-_', '+/'), true);
}
