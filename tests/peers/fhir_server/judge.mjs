// Says what is wrong with a resource before it is stored: Medplum's structure and invariants, then what Medplum
// leaves out: codes of required bindings, reference targets and references that point nowhere.

import { core, TERMINOLOGY } from './medplum.mjs';

function issue(code, text, expression) {
  return { severity: 'error', code, details: { text }, expression: [expression] };
}

function codesOfSystem(url) {
  const system = TERMINOLOGY.get(url);
  if (system?.resourceType !== 'CodeSystem' || system.content !== 'complete') {
    return undefined;
  }
  const collect = (concepts) => concepts.flatMap((it) => [it.code, ...collect(it.concept ?? [])]);
  return collect(system.concept ?? []);
}

const expansions = new Map();

// The codes of a value set, or undefined where they cannot be enumerated (filters, languages, UCUM, MIME types).
function codesOf(canonical) {
  const url = canonical.split('|')[0];
  if (!expansions.has(url)) {
    const lists = (TERMINOLOGY.get(url)?.compose?.include ?? [{}]).map((part) => {
      if (part.filter) {
        return undefined;
      }
      if (part.valueSet) {
        return part.valueSet.length === 1 ? codesOf(part.valueSet[0]) : undefined;
      }
      return part.concept?.map((it) => it.code) ?? codesOfSystem(part.system);
    });
    expansions.set(url, lists.includes(undefined) ? undefined : new Set(lists.flatMap((it) => [...it])));
  }
  return expansions.get(url);
}

function codesIn(typed) {
  switch (typed.type) {
    case 'code': {
      const code = typed.value.valueOf(); // a boxed string where the code carries extensions
      return typeof code === 'string' ? [code] : [];
    }
    case 'Coding':
      return typed.value.code ? [typed.value.code] : [];
    case 'CodeableConcept':
      return (typed.value.coding ?? []).map((it) => it.code).filter(Boolean);
    default:
      return [];
  }
}

function issuesOfRequiredBindings(resource) {
  const issues = [];
  const visitProperty = (_parent, key, path, values, schema) => {
    const binding = schema.elements[key]?.binding;
    const allowed = binding?.strength === 'required' && binding.valueSet ? codesOf(binding.valueSet) : undefined;
    for (const typed of allowed ? values.flat() : []) {
      const codes = codesIn(typed);
      if (codes.length && !codes.some((it) => allowed.has(it))) {
        issues.push(issue('code-invalid', `"${codes.join(', ')}" is not in ${binding.valueSet}`, path));
      }
    }
  };
  core.crawlTypedValue(core.toTypedValue(resource), { visitProperty }, { skipMissingProperties: true });
  return issues;
}

function danglingReferences(value, path) {
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    if (key === 'reference' && typeof inner === 'string' && inner.startsWith('urn:uuid:')) {
      return [issue('not-found', `${inner} is not the fullUrl of an entry of the transaction`, here)];
    }
    return danglingReferences(inner, here);
  });
}

// Medplum warns of a wrong target type, and takes the scheme of an absolute URL for one.
function issuesOfReferenceTargets(issues) {
  const wrong = issues.filter((it) => /^Invalid reference: got "[A-Za-z]+"/.test(it.details?.text ?? ''));
  return wrong.map((it) => ({ ...it, severity: 'error' }));
}

// Every reason to refuse `resource`; empty when it may be stored.
export function judge(resource) {
  let issues;
  try {
    issues = core.validateResource(resource);
  } catch (error) {
    return core.normalizeOperationOutcome(error).issue;
  }
  return [
    ...issuesOfReferenceTargets(issues),
    ...issuesOfRequiredBindings(resource),
    ...danglingReferences(resource, resource.resourceType),
  ];
}
