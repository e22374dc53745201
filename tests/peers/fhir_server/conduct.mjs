// How the server behaves on the wire where Medplum's router leaves it to its host: If-Match on every change, pages
// with links, versions and places in the answers to a transaction.

import { core, FhirRouter } from './medplum.mjs';

const { OperationOutcomeError, badRequest, preconditionFailed } = core;
const PAGE = 20;

export function etag(resource) {
  return `W/"${resource.meta.versionId}"`;
}

// Throws 412 unless the resource that the request is about stands at the version that If-Match names.
async function demandVersion(request, repo) {
  const wanted = request.headers?.['if-match'];
  if (!wanted) {
    return;
  }
  const [, version] = /^W\/"([^"]+)"$/.exec(wanted) ?? [];
  if (!version) {
    throw new OperationOutcomeError(badRequest(`If-Match must be a weak ETag, W/"…", not ${wanted}`));
  }
  const { resourceType, id } = request.params;
  const found = id
    ? repo.current(resourceType, id)
    : (await repo.searchResources(core.parseSearchRequest(resourceType, request.query)))[0];
  if (found?.meta.versionId !== version) {
    throw new OperationOutcomeError(preconditionFailed);
  }
}

function pageLinks(base, resourceType, query, bundle) {
  const offset = Number(query._offset ?? 0);
  const count = Number(query._count);
  const link = (relation, at) => {
    const pairs = Object.entries({ ...query, _offset: String(at) });
    const flat = pairs.flatMap(([name, value]) => [value].flat().map((it) => [name, it]));
    return { relation, url: `${base}/${resourceType}?${new URLSearchParams(flat)}` };
  };
  const links = [link('self', offset)];
  if (count > 0 && offset + count < bundle.total) {
    links.push(link('next', offset + count));
  }
  if (count > 0 && offset > 0) {
    links.push(link('previous', Math.max(0, offset - count)));
  }
  return links;
}

// Medplum's router, with each handler wrapped in what the specification asks of the wire.
export function routerFor(base) {
  const router = new FhirRouter();
  for (const route of router.router.routes) {
    const plain = route.handler;
    const { interaction } = route.data;
    if (['update', 'patch', 'delete'].includes(interaction)) {
      route.handler = async (request, repo, ...rest) => {
        await demandVersion(request, repo);
        return plain(request, repo, ...rest);
      };
    }
    if (interaction === 'create') {
      route.handler = (request, repo, self, options) => {
        if (!options?.batch) {
          delete request.body?.id; // the server names what is created; Medplum would keep the caller's id
        }
        return plain(request, repo, self, options);
      };
    }
    if (interaction === 'search-type') {
      route.handler = async (request, ...rest) => {
        const byPost = request.method === 'POST';
        const query = { _count: String(PAGE), ...(byPost ? request.body : request.query) };
        const [outcome, bundle] = await plain({ ...request, query, body: byPost ? query : request.body }, ...rest);
        const { resourceType } = request.params;
        bundle.link = pageLinks(base, resourceType, query, bundle);
        bundle.entry?.forEach((entry) => {
          entry.fullUrl = `${base}/${core.getReferenceString(entry.resource)}`;
          entry.search = { mode: 'match' };
        });
        return [outcome, bundle];
      };
    }
  }
  return router;
}

// Gives each entry of a transaction's answer what a caller needs for its next If-Match.
export function completeTransactionResponse(bundle, base, minimal) {
  for (const entry of bundle.type.endsWith('-response') ? bundle.entry : []) {
    const { resource, response } = entry;
    if (resource?.meta?.versionId) {
      const reference = core.getReferenceString(resource);
      entry.fullUrl = `${base}/${reference}`;
      response.location = `${reference}/_history/${resource.meta.versionId}`;
      response.etag = etag(resource);
      response.lastModified = resource.meta.lastUpdated;
      if (minimal) {
        delete entry.resource;
      }
    }
  }
}
