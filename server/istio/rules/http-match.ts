import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { matchedNameProblem } from './headers.ts';
import { isLabel } from './hosts.ts';
import { checkLabels } from './labels.ts';
import { checkGatewayNames, checkPort, checkStringMatch } from './values.ts';

/** The match blocks of an HTTP route. */
export function checkHttpMatches(route: Field, findings: Findings): void {
  for (const match of route.get('match').items) {
    for (const [name, header] of match.get('headers').entries) {
      if (!header.exists)
        findings.reject(header, `header match ${name} cannot be null`, 'Write {} to mean "the header is present".');
      findings.check(header, matchedNameProblem(name));
      checkStringMatch(header, findings, { where: 'headers' });
    }
    for (const [name, header] of match.get('withoutHeaders').entries) {
      findings.check(header, matchedNameProblem(name));
      // `*` is no expression: it means that the header is present.
      if (header.get('regex').text !== '*') checkStringMatch(header, findings, { where: 'withoutHeaders' });
    }
    checkStringMatch(match.get('uri'), findings, { where: 'uri', emptyPrefix: true });
    for (const field of ['scheme', 'method', 'authority']) {
      checkStringMatch(match.get(field), findings, { where: field });
    }
    for (const [, parameter] of match.get('queryParams').entries) {
      checkStringMatch(parameter, findings, { where: 'queryParams' });
    }
    checkMatchScope(match, findings);
  }
}

function checkMatchScope(match: Field, findings: Findings): void {
  if (match.get('port').number !== 0) checkPort(match.get('port'), findings);
  checkLabels(match.get('sourceLabels'), findings);
  // Istio drops the warnings about the gateways of a match.
  findings.withoutWarnings(() => checkGatewayNames(match.get('gateways'), findings));
  const namespace = match.get('sourceNamespace');
  if (namespace.text !== '' && !isLabel(namespace.text)) {
    findings.reject(namespace, `sourceNamespace match ${namespace.text} is invalid`);
  }
}
