// A hospital's FHIR R4 server that Jalon did not write, on the loopback, with controls for tests under /_test/.
//
//   node server.mjs --port 8123 [--data hospital.json]
//
// It ends when its standard input closes, so that it never outlives the tests that started it.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

import { completeTransactionResponse, etag, routerFor } from './conduct.mjs';
import { HospitalRepository } from './hospital.mjs';
import { core, RESOURCE_TYPES } from './medplum.mjs';

const { values: options } = parseArgs({ options: { port: { type: 'string' }, data: { type: 'string' } } });
const base = `http://127.0.0.1:${options.port}/fhir`;
const repo = new HospitalRepository(options.data);
const router = routerFor(base);

const BODY_TYPES = {
  POST: /^application\/(fhir\+json|json|x-www-form-urlencoded)/,
  PUT: /^application\/(fhir\+json|json)/,
  PATCH: /^application\/json-patch\+json/,
};

let log = [];
let faults = [];

function outcome(code, text) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, details: { text } }] };
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/fhir+json; charset=utf-8', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function capabilities() {
  const interaction = ['read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'create', 'search-type'];
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: '2026-01-01',
    kind: 'instance',
    software: { name: 'Medplum fhir-router in memory' },
    implementation: { description: 'A hospital for tests', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json'],
    rest: [
      {
        mode: 'server',
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        resource: [...RESOURCE_TYPES].map((type) => ({
          type,
          versioning: 'versioned-update',
          conditionalCreate: true,
          conditionalUpdate: true,
          interaction: interaction.map((code) => ({ code })),
        })),
      },
    ],
  };
}

function parseBody(request, text) {
  if (!text) {
    return undefined;
  }
  if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  return JSON.parse(text);
}

// [status, body, headers] for one FHIR request.
async function serve(request, text) {
  const url = request.url.replace(/^\/fhir\/?/, '');
  const type = url.split(/[/?]/)[0];
  if (type === 'metadata') {
    return [200, capabilities()];
  }
  if (type && !RESOURCE_TYPES.has(type)) {
    return [404, outcome('not-supported', `${type} is not a resource type of R4`)];
  }
  if (text && !BODY_TYPES[request.method]?.test(request.headers['content-type'] ?? '')) {
    return [415, outcome('not-supported', `${request.method} does not take ${request.headers['content-type']}`)];
  }
  let body;
  try {
    body = parseBody(request, text);
  } catch (error) {
    return [400, outcome('structure', `The body is not JSON: ${error.message}`)];
  }
  const minimal = request.headers.prefer?.includes('return=minimal');
  const asked = { method: request.method, url, pathname: '', query: {}, params: {}, headers: request.headers, body };
  const [result, resource] = await router.handleRequest({ ...asked, config: { transactions: true } }, repo);
  const status = core.getStatus(result);
  if (status >= 400 || !resource) {
    return [status, { ...result, id: undefined }];
  }
  if (resource.resourceType === 'Bundle' && !resource.meta) {
    completeTransactionResponse(resource, base, minimal);
    return [status, resource];
  }
  const reference = core.getReferenceString(resource);
  const isNew = request.method === 'PUT' && repo.versions(resource.resourceType, resource.id).length === 1;
  const headers = { etag: etag(resource), 'last-modified': new Date(resource.meta.lastUpdated).toUTCString() };
  if (request.method === 'GET') {
    return request.headers['if-none-match'] === etag(resource) ? [304, undefined, headers] : [200, resource, headers];
  }
  headers.location = `${base}/${reference}/_history/${resource.meta.versionId}`;
  return [isNew ? 201 : status, minimal ? undefined : resource, headers];
}

function control(request, text, response) {
  const body = text ? JSON.parse(text) : {};
  switch (`${request.method} ${request.url}`) {
    case 'POST /_test/reset':
      repo.clear();
      repo.save();
      log = [];
      faults = [];
      return answer(response, 200, {});
    case 'POST /_test/fail':
      faults = Array.from({ length: body.count }, () => body);
      return answer(response, 200, {});
    case 'GET /_test/requests':
      return answer(response, 200, log);
    case 'GET /_test/everything':
      return answer(response, 200, repo.everything());
    default:
      return answer(response, 404, outcome('not-found', 'No such control'));
  }
}

async function handle(request, text, response) {
  const fault = faults.shift();
  const entry = { method: request.method, url: request.url, headers: request.headers, body: text, fault: fault?.how };
  log.push(entry);
  if (fault?.how === 'drop') {
    return request.socket.destroy();
  }
  if (fault?.how === 'hang') {
    return undefined;
  }
  if (fault && fault.how !== 'lose_answer') {
    entry.status = fault.how;
    const headers = fault.retry_after ? { 'retry-after': String(fault.retry_after) } : {};
    return answer(response, fault.how, outcome('transient', `Failing with ${fault.how}, as the test asked`), headers);
  }
  const [status, body, headers] = await serve(request, text);
  entry.status = status;
  if (request.method !== 'GET') {
    repo.save();
  }
  return fault ? request.socket.destroy() : answer(response, status, body, headers);
}

// One request at a time: the memory repository knows no isolation, and a transaction must see nobody else's half.
let turn = Promise.resolve();

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString('utf8');
    turn = turn
      .then(() => (request.url.startsWith('/_test/') ? control : handle)(request, text, response))
      .catch((error) => answer(response, 500, outcome('exception', String(error.stack))));
  });
});

server.listen(Number(options.port), '127.0.0.1');
process.stdin.on('end', () => process.exit(0)).resume();
