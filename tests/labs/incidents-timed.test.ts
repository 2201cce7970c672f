import { timed } from '../support/incidents-alone.ts';
import { proveIncident } from '../support/prove-incident.ts';

for (const id of timed) proveIncident(id, { alone: true });
