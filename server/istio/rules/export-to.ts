import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { isLabel } from './hosts.ts';

interface Rules {
  readonly namespace: string;
  /** A ServiceEntry may be exported to no one, `~`. */
  readonly noneAllowed?: boolean;
  /** A DestinationRule for some clients only reaches its own namespace. */
  readonly ownOnly?: boolean;
}

function visibilityProblem(key: string, noneAllowed: boolean): string | undefined {
  if (key === '*' || key === '.') return undefined;
  if (key === '~') {
    return noneAllowed ? undefined : 'exportTo ~ (none) is not allowed for Istio configuration objects';
  }
  return isLabel(key) ? undefined : 'only .,*, or a valid DNS 1123 label is allowed as exportTo entry';
}

/** The namespaces named, `.` being the object's own; duplicates and words that mean nothing are reported. */
function readNamespaces(exportTo: Field, rules: Rules, findings: Findings): Set<string> {
  const seen = new Set<string>();
  for (const item of exportTo.items) {
    const key = item.text === '.' ? rules.namespace : item.text;
    const wrong = visibilityProblem(key, rules.noneAllowed ?? false);
    if (seen.has(key)) {
      const message =
        key === item.text
          ? `duplicate entries in exportTo for entry ${item.text}`
          : `duplicate entries in exportTo: . and current namespace ${rules.namespace}`;
      findings.reject(item, message, 'Name each namespace once.');
    } else if (wrong) findings.reject(item, wrong);
    else seen.add(key);
  }
  return seen;
}

/** exportTo: `*`, `.`, or namespaces, each once, `*` alone. */
export function checkExportTo(exportTo: Field, rules: Rules, findings: Findings): void {
  const count = exportTo.items.length;
  if (count === 0) return;
  const namespaces = readNamespaces(exportTo, rules, findings);
  if (rules.ownOnly && namespaces.size > 0) {
    if (!namespaces.has(rules.namespace)) {
      findings.reject(
        exportTo,
        'destination rule with workload selector cannot have exportTo beyond current namespace',
      );
    } else if (namespaces.size > 1) {
      findings.reject(exportTo, 'destination rule with workload selector cannot have multiple entries in exportTo');
    }
  }
  if (namespaces.has('*') && count > 1) {
    const message = 'cannot have both public (*) and non-public exportTo values for a resource';
    findings.reject(exportTo, message, 'Keep only "*".');
  }
  if (namespaces.has('~') && count > 1) {
    findings.reject(exportTo, 'cannot export service entry to no one (~) and someone', 'Keep only "~".');
  }
}
