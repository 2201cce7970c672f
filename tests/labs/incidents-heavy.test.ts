import { heavyIncidents } from '../support/heavy-incidents.ts';
import { proveIncident } from '../support/prove-incident.ts';

for (const id of heavyIncidents) proveIncident(id, { alone: true });
