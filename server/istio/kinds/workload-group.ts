import type { Field } from '../rules/field.ts';
import type { Findings } from '../rules/findings.ts';
import { labelsProblems } from '../rules/labels.ts';
import { checkPort } from '../rules/values.ts';
import { NETWORKING } from './api-groups.ts';
import { defineKind } from './definition.ts';

const COUNTS = ['periodSeconds', 'initialDelaySeconds', 'timeoutSeconds', 'successThreshold', 'failureThreshold'];
const HEADER = /^[-A-Za-z0-9]+$/;

function checkHttpGet(http: Field, findings: Findings): void {
  checkPort(http.get('port'), findings);
  const scheme = http.get('scheme');
  if (!['', 'HTTP', 'HTTPS'].includes(scheme.text)) {
    findings.reject(scheme, 'httpGet.scheme must be one of "HTTPS", "HTTP"');
  }
  for (const header of http.get('httpHeaders').items) {
    const name = header.get('name');
    if (name.text === '') findings.reject(name, 'header name cannot be empty');
    else if (!HEADER.test(name.text)) findings.reject(name, `header name ${name.text} is not a valid header name`);
  }
}

function checkProbe(probe: Field, findings: Findings): void {
  if (!probe.exists) return;
  for (const count of COUNTS) {
    const field = probe.get(count);
    if (field.number < 0) findings.reject(field, `${count} must be non-negative`, 'Use 0 or more.');
  }
  const [http, tcp, exec] = [probe.get('httpGet'), probe.get('tcpSocket'), probe.get('exec')];
  const grpc = probe.get('grpc');
  if (http.exists) checkHttpGet(http, findings);
  else if (tcp.exists) checkPort(tcp.get('port'), findings);
  else if (exec.exists) {
    if (exec.get('command').items.length === 0) findings.reject(exec, 'exec.command is required');
  } else if (grpc.exists) {
    findings.reject(
      grpc,
      'unknown health check method *v1alpha3.ReadinessProbe_Grpc',
      'Use httpGet, tcpSocket or exec.',
    );
  } else findings.reject(probe, 'unknown health check method <nil>', 'Add httpGet, tcpSocket or exec.');
}

function check(spec: Field, findings: Findings): void {
  if (!spec.get('template').exists) {
    findings.reject(
      spec.get('template'),
      'template is required',
      'Add template, what the WorkloadEntries have in common.',
    );
    return;
  }
  const wrong = labelsProblems(spec.at('metadata.labels'));
  for (const [label, why] of wrong) findings.reject(label, `invalid labels: ${why}`);
  if (wrong.length === 0) checkProbe(spec.get('probe'), findings);
}

export const workloadGroupKind = defineKind({
  ...NETWORKING,
  kind: 'WorkloadGroup',
  plural: 'workloadgroups',
  shortNames: ['wg'],
  check,
});
