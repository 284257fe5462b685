<?php
// The documented first request of a Mokapen app, as it stands in the documentation, except for its URL and its token.
//
//   php first_request.php PROFILE FACTS HOW     HOW is http or tls; CA names the authority to trust (see run.sh)

[$profile, $facts, $how] = array_slice($argv, 1);
$facts = json_decode(file_get_contents($facts), true);
$app = $facts['private_app'];
$ask = curl_init($facts['issuer'] . '/oauth/token');
curl_setopt_array($ask, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_USERPWD => $app['client_id'] . ':' . $app['client_secret'],
    CURLOPT_POSTFIELDS => 'grant_type=client_credentials&organization_id=' . $facts['organization']['id'],
]);
$access = json_decode(curl_exec($ask), true)['access_token'] ?? '';
curl_close($ask);

// The snippet. BEGIN
$url = $facts['issuer'] . '/api/v1/849/contacts';
$token = $access;

$ch = curl_init($url);
curl_setopt_array($ch, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer ' . $token,
        'Accept: application/json',
    ],
]);
$response = curl_exec($ch);
$httpCode = curl_getinfo($ch, CURLINFO_HTTP_CODE);
curl_close($ch);
// END

$items = json_decode((string) $response, true)['items'] ?? [];
if ($httpCode === 200 && count($items) > 0 && str_starts_with($url, $how === 'tls' ? 'https:' : 'http:')) {
    echo "ok php $profile first-request-$how\n";
    exit(0);
}
echo "FAILED php $profile first-request-$how: $httpCode $response\n";
exit(1);
