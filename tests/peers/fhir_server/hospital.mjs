// What the hospital keeps: Medplum's memory repository with validation, atomic transactions and a file to survive
// a kill.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { judge } from './judge.mjs';
import { core, MemoryRepository } from './medplum.mjs';

const { OperationOutcomeError, badRequest } = core;

// The target types of a reference search parameter, so that `patient=p1` finds what `Patient/p1` finds.
function withTypes(filter, resourceType) {
  const parameter = core.getSearchParameter(resourceType, filter.code);
  if (parameter?.type !== 'reference' || !filter.value) {
    return filter;
  }
  const values = core.splitSearchOnComma(filter.value).flatMap((value) => {
    return /[/:]/.test(value) ? [value] : (parameter.target ?? []).map((type) => `${type}/${value}`);
  });
  return { ...filter, value: values.join(',') };
}

function refuseWhatIsNotIndexed(searchRequest) {
  const { resourceType, filters = [], include, revInclude } = searchRequest;
  const unknown = filters.find((it) => !core.getSearchParameter(resourceType, it.code));
  if (unknown) {
    throw new OperationOutcomeError(badRequest(`Unknown search parameter ${unknown.code} for ${resourceType}`));
  }
  if (include || revInclude) {
    throw new OperationOutcomeError(badRequest('_include and _revinclude are not supported here'));
  }
}

export class HospitalRepository extends MemoryRepository {
  constructor(file) {
    super();
    this.file = file;
    if (file && existsSync(file)) {
      this.restore(JSON.parse(readFileSync(file, 'utf8'), (_key, value) => (value?.$map ? new Map(value.$map) : value)));
    }
  }

  // Stored resources are replaced, never edited, so a copy of the maps is a snapshot of everything.
  snapshot() {
    const resources = new Map([...this.resources].map(([type, byId]) => [type, new Map(byId)]));
    const history = new Map(
      [...this.history].map(([type, byId]) => [type, new Map([...byId].map(([id, versions]) => [id, [...versions]]))])
    );
    return { resources, history };
  }

  restore({ resources, history }) {
    this.clear();
    resources.forEach((byId, type) => this.resources.set(type, byId));
    history.forEach((byId, type) => this.history.set(type, byId));
  }

  save() {
    if (this.file) {
      const plain = (_key, value) => (value instanceof Map ? { $map: [...value] } : value);
      writeFileSync(`${this.file}.new`, JSON.stringify(this.snapshot(), plain));
      renameSync(`${this.file}.new`, this.file);
    }
  }

  async withTransaction(callback) {
    const before = this.snapshot();
    try {
      return await callback(undefined);
    } catch (error) {
      this.restore(before);
      throw error;
    }
  }

  current(resourceType, id) {
    return this.resources.get(resourceType)?.get(id);
  }

  versions(resourceType, id) {
    return this.history.get(resourceType)?.get(id) ?? [];
  }

  async createResource(resource) {
    const clean = await this.withConditionalReferencesResolved(resource);
    if (clean.meta) {
      delete clean.meta.versionId;
      delete clean.meta.lastUpdated;
    }
    const issues = judge(clean);
    if (issues.length) {
      throw new OperationOutcomeError({ resourceType: 'OperationOutcome', id: 'business-rule', issue: issues });
    }
    return super.createResource(clean);
  }

  // `"reference": "Patient?identifier=…"` names the one resource that the search finds (R4, transaction rules).
  async withConditionalReferencesResolved(value) {
    if (Array.isArray(value)) {
      return Promise.all(value.map((it) => this.withConditionalReferencesResolved(it)));
    }
    if (value === null || typeof value !== 'object') {
      return value;
    }
    const result = {};
    for (const [key, inner] of Object.entries(value)) {
      result[key] = await this.withConditionalReferencesResolved(inner);
      if (key === 'reference' && /^[A-Z]\w+\?/.test(inner)) {
        const found = await this.searchResources(core.parseSearchRequest(inner));
        if (found.length !== 1) {
          throw new OperationOutcomeError({
            ...core.preconditionFailed,
            issue: [{ severity: 'error', code: 'not-found', details: { text: `${inner} matches ${found.length} resources` } }],
          });
        }
        result[key] = core.getReferenceString(found[0]);
      }
    }
    return result;
  }

  async readResource(resourceType, id) {
    if (!this.current(resourceType, id) && this.versions(resourceType, id).length) {
      throw new OperationOutcomeError(core.gone);
    }
    return super.readResource(resourceType, id);
  }

  // Medplum's own reverses the stored list in place, so that every second answer comes oldest first.
  async readHistory(resourceType, id) {
    const versions = this.versions(resourceType, id);
    if (!versions.length) {
      throw new OperationOutcomeError(core.notFound);
    }
    const entry = [...versions].reverse().map((resource) => ({ resource: structuredClone(resource) }));
    return { resourceType: 'Bundle', type: 'history', total: entry.length, entry };
  }

  async search(searchRequest) {
    refuseWhatIsNotIndexed(searchRequest);
    const filters = searchRequest.filters?.map((it) => withTypes(it, searchRequest.resourceType));
    return super.search({ ...searchRequest, filters });
  }

  everything() {
    return [...this.resources.values()].flatMap((byId) => [...byId.values()]);
  }
}
