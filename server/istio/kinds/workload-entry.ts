import { checkWorkloadEntry } from '../rules/workload-entry.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind, specColumn } from './definition.ts';

export const workloadEntryKind = defineKind({
  ...NETWORKING,
  kind: 'WorkloadEntry',
  plural: 'workloadentries',
  shortNames: ['we'],
  columns: [specColumn('Address', 'address')],
  check: (spec, findings) => checkWorkloadEntry(spec, { namesAllowed: true }, findings),
});
