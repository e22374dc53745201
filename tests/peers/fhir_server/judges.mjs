// Medplum's own validateResource, asked over a pipe: a resource on each line in, its issues on each line out.

import { createInterface } from 'node:readline';
import { core } from './medplum.mjs';

function issuesOf(resource) {
  try {
    return core.validateResource(resource);
  } catch (error) {
    return core.normalizeOperationOutcome(error).issue;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(issuesOf(JSON.parse(line))) + '\n');
}
