<?php
// Ends with 0 if the delivery on standard input is what its signature says, else with 1. Nothing here knows grantd.
declare(strict_types=1);

$told = json_decode(stream_get_contents(STDIN), true, 8, JSON_THROW_ON_ERROR);
if (preg_match('/^t=([0-9]{1,12}),v1=([0-9a-f]{64})$/D', $told['signature'], $parts) !== 1) {
    exit(1);
}
$now = $told['now'] === '' ? time() : $told['now'];
$expected = hash_hmac('sha256', $parts[1] . '.' . $told['body'], $told['secret']);
exit(hash_equals($expected, $parts[2]) && abs($now - (int) $parts[1]) <= 300 ? 0 : 1);
