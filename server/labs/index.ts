export { type BlameRoundSpec, blameParts } from './blame/blame-schema.ts';
export { type Lab, type LabFile, listLabs, loadLab } from './catalog.ts';
export { type Checks, createChecks } from './checks.ts';
export { detectWrong, nextHint } from './hints.ts';
export type { Incident } from './incidents/doors.ts';
export { createIncident } from './incidents/incident.ts';
export type { CheckSpec, LabSpec, SolutionStep, TrafficSpec } from './lab-schema.ts';
export type { ProbeContext } from './probes/state.ts';
export { createTraffic, type Sending, type SentRequest, type Traffic } from './traffic.ts';
