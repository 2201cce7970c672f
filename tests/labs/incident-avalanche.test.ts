import { proveIncident } from '../support/prove-incident.ts';

proveIncident('inc-config-avalanche', { alone: true });
