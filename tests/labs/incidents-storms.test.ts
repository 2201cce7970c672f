import { storms } from '../support/incidents-alone.ts';
import { proveIncident } from '../support/prove-incident.ts';

for (const id of storms) proveIncident(id, { alone: true });
