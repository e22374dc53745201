// An authorisation server that Jalon did not write: oidc-provider, for systems that sign their assertions.
//
//   node server.mjs --port 8123 < what.json
//
// The first line of its standard input is JSON: {"audience", "scopes", "alg", "seconds", "clients": [{"client_id",
// "scope", "jwks"}]}. Beside the provider it answers /fhir/.well-known/smart-configuration, as the hospital's FHIR
// server would. It ends when its standard input closes, so that it never outlives the tests that started it.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

const { values: options } = parseArgs({ options: { port: { type: 'string' } } });
const issuer = `http://127.0.0.1:${options.port}`;

// Its keys for tokens: one of each kind that a resource server may meet.
function ownKeys() {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
  return { keys: [{ ...rsa, use: 'sig', kid: 'rsa' }, { ...ec, use: 'sig', kid: 'ec', alg: 'ES384' }] };
}

function providerFor(what) {
  const signing = what.alg ?? 'RS256';
  return new Provider(issuer, {
    clients: what.clients.map((client) => ({
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      ...client,
    })),
    scopes: what.scopes,
    jwks: ownKeys(),
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS384', 'ES384'],
      idTokenSigningAlgValues: ['RS256', 'ES384'],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => what.audience,
        getResourceServerInfo: () => ({
          audience: what.audience,
          scope: what.scopes.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: what.seconds ?? 300,
          jwt: { sign: { alg: signing } },
        }),
      },
    },
  });
}

const configuration = {
  token_endpoint: `${issuer}/token`,
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  grant_types_supported: ['client_credentials'],
  capabilities: ['client-confidential-asymmetric', 'permission-v1', 'permission-v2'],
};

createInterface({ input: process.stdin })
  .once('line', (line) => {
    const answer = providerFor(JSON.parse(line)).callback();
    createServer((request, response) => {
      if (request.url !== '/fhir/.well-known/smart-configuration') {
        return answer(request, response);
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(configuration));
    }).listen(Number(options.port), '127.0.0.1');
  })
  .once('close', () => process.exit(0));
