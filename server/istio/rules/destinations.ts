import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkHeaderOperations } from './headers.ts';
import { isLabel, wildcardDomainProblem } from './hosts.ts';
import { checkPort } from './values.ts';

/** A destination's host, subset and port. */
export function checkDestination(destination: Field, findings: Findings): void {
  if (!destination.exists) return;
  const host = destination.get('host');
  if (host.text === '*') findings.reject(host, `invalid destination host ${host.text}`, 'Name one service.');
  else
    findings.check(host, wildcardDomainProblem(host.text), 'Write a service name such as reviews, or its full name.');
  const subset = destination.get('subset');
  if (subset.text !== '') checkSubsetName(subset, findings);
  const port = destination.get('port');
  if (port.exists) checkPort(port.get('number'), findings);
}

export function checkSubsetName(name: Field, findings: Findings): void {
  if (name.text === '') findings.reject(name, 'subset name cannot be empty');
  else if (!isLabel(name.text)) {
    findings.reject(name, `subset name is invalid: ${name.text}`, 'Use letters, digits and hyphens only.');
  }
}

const shareText = (route: Field, total: number): string => {
  const destination = route.get('destination');
  const name = destination.get('subset').text || destination.get('host').text;
  const percent = Math.round((route.get('weight').number / total) * 1000) / 10;
  return `${percent} % to ${name}`;
};

export interface DestinationOptions {
  /** HTTP routes only. */
  readonly withHeaders: boolean;
  /** The route stands for one of the Gateway API, whose destinations need not be hosts. */
  readonly converted: boolean;
}

/** The destinations of a route with their weights. */
export function checkDestinations(routes: Field, findings: Findings, options: DestinationOptions): void {
  let total = 0;
  let valid = true;
  for (const route of routes.items) {
    const destination = route.get('destination');
    if (!destination.exists) {
      findings.reject(destination, 'destination is required', 'Add destination.host.');
      valid = false;
    }
    if (options.withHeaders) checkHeaderOperations(route.get('headers'), findings);
    if (!options.converted) checkDestination(destination, findings);
    const weight = route.get('weight').number;
    if (weight < 0) {
      findings.reject(route.get('weight'), `weight ${weight} < 0`, 'Use a weight of 0 or more.');
      valid = false;
    }
    total += weight;
  }
  const count = routes.items.length;
  if (count > 1 && total === 0) {
    findings.reject(routes, 'total destination weight = 0', 'Give the destinations weights that add up to 100.');
  } else if (count > 1 && total !== 100 && valid) {
    const shares = routes.items.map((route) => shareText(route, total)).join(', ');
    findings.add('MW0201', routes, { total, shares });
  } else if (count === 1 && total > 0 && total < 100 && valid) {
    findings.add('MW0204', routes.items[0]?.get('weight') ?? routes, { weight: total });
  }
}
