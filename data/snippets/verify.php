<?php
// $header: the value of {header}. $body: file_get_contents('php://input').
function verify(string $secret, string $header, string $body, ?int $now = null): bool
{
    $parts = [];
    foreach (explode(',', $header) as $part) {
        [$name, $value] = array_pad(explode('=', $part, 2), 2, '');
        $parts[$name] = $value;
    }
    $sent = $parts['t'] ?? '';
    if (!ctype_digit($sent) || abs(($now ?? time()) - (int) $sent) > 300) {
        return false;
    }
    return hash_equals(hash_hmac('sha256', "$sent.$body", $secret), $parts['v1'] ?? '');
}
