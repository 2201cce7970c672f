import type { FieldProblem } from '#domain';
import { isRecord, type JsonRecord } from '../json.ts';
import { labelProblems, nameProblem } from '../names.ts';
import { duplicate, invalidValue, portProblems, required, unsupported } from './problems.ts';

const records = (value: unknown): JsonRecord[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function defaultContainer(container: JsonRecord): void {
  const image = typeof container['image'] === 'string' ? container['image'] : '';
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  container['imagePullPolicy'] ??= tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
  container['resources'] ??= {};
  container['terminationMessagePath'] ??= '/dev/termination-log';
  container['terminationMessagePolicy'] ??= 'File';
  for (const port of records(container['ports'])) port['protocol'] ??= 'TCP';
  for (const field of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[field];
    if (!isRecord(probe)) continue;
    probe['timeoutSeconds'] ??= 1;
    probe['periodSeconds'] ??= 10;
    probe['successThreshold'] ??= 1;
    probe['failureThreshold'] ??= 3;
    const { httpGet: http, grpc } = probe;
    if (isRecord(http)) {
      http['path'] ||= '/';
      http['scheme'] ??= 'HTTP';
    }
    // kubectl describe ends with a panic where it is absent.
    if (isRecord(grpc)) grpc['service'] ??= '';
  }
  for (const { valueFrom } of records(container['env'])) if (isRecord(valueFrom)) defaultFieldRef(valueFrom);
}

function defaultFieldRef({ fieldRef }: JsonRecord): void {
  if (isRecord(fieldRef)) fieldRef['apiVersion'] ||= 'v1';
}

const DEFAULT_MODE = 0o644;

function defaultVolume(volume: JsonRecord): void {
  const hasSource = Object.entries(volume).some(([field, value]) => field !== 'name' && value !== null);
  if (!hasSource) volume['emptyDir'] = {};
  for (const source of ['configMap', 'secret', 'projected', 'downwardAPI']) {
    const found = volume[source];
    if (isRecord(found)) found['defaultMode'] ??= DEFAULT_MODE;
  }
  for (const item of records(isRecord(volume['downwardAPI']) ? volume['downwardAPI']['items'] : []))
    defaultFieldRef(item);
}

/** Kubernetes' defaults of a pod spec. */
export function defaultPodSpec(spec: JsonRecord): void {
  spec['restartPolicy'] ??= 'Always';
  spec['terminationGracePeriodSeconds'] ??= 30;
  spec['dnsPolicy'] ??= 'ClusterFirst';
  spec['securityContext'] ??= {};
  spec['schedulerName'] ??= 'default-scheduler';
  for (const field of ['containers', 'initContainers', 'ephemeralContainers'])
    records(spec[field]).forEach(defaultContainer);
  records(spec['volumes']).forEach(defaultVolume);
}

function containerProblems(container: JsonRecord, path: string, ports: Set<string>): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const name = container['name'];
  if (typeof name !== 'string' || name === '') problems.push(required(`${path}.name`));
  else {
    const wrong = nameProblem(name, 'label');
    if (wrong) problems.push({ severity: 'error', path: `${path}.name`, message: wrong });
  }
  if (typeof container['image'] !== 'string' || container['image'] === '') problems.push(required(`${path}.image`));
  for (const [index, port] of records(container['ports']).entries()) {
    const at = `${path}.ports[${index}]`;
    if (port['containerPort'] === undefined) problems.push(required(`${at}.containerPort`));
    else problems.push(...portProblems(`${at}.containerPort`, port['containerPort']));
    const portName = port['name'];
    if (typeof portName !== 'string' || portName === '') continue;
    if (portName.length > 15) problems.push(invalidValue(`${at}.name`, portName, 'must be no more than 15 characters'));
    if (ports.has(portName)) problems.push(duplicate(`${at}.name`, portName));
    ports.add(portName);
  }
  return problems;
}

/** Problems of a pod spec at `path`, in Kubernetes' words. */
export function podSpecProblems(spec: unknown, path: string): FieldProblem[] {
  if (!isRecord(spec)) return [required(`${path}.containers`)];
  const problems: FieldProblem[] = [];
  if (records(spec['containers']).length === 0) problems.push(required(`${path}.containers`));
  const names = new Set<unknown>();
  for (const field of ['initContainers', 'containers']) {
    for (const [index, container] of records(spec[field]).entries()) {
      const at = `${path}.${field}[${index}]`;
      problems.push(...containerProblems(container, at, new Set()));
      if (names.has(container['name'])) problems.push(duplicate(`${at}.name`, container['name']));
      names.add(container['name']);
    }
  }
  const policy = spec['restartPolicy'];
  const policies = ['Always', 'OnFailure', 'Never'];
  if (policy !== undefined && !policies.includes(String(policy))) {
    problems.push(unsupported(`${path}.restartPolicy`, policy, policies));
  }
  return problems;
}

/** Problems of selector and template of a Deployment or ReplicaSet: both there, and the selector chooses the template's own pods. */
export function workloadProblems(spec: unknown): FieldProblem[] {
  if (!isRecord(spec)) return [required('spec.selector'), required('spec.template.spec.containers')];
  const problems: FieldProblem[] = [];
  const replicas = spec['replicas'];
  if (typeof replicas === 'number' && replicas < 0) {
    problems.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'));
  }
  const selector = spec['selector'];
  const template = isRecord(spec['template']) ? spec['template'] : {};
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {};
  const labels = isRecord(metadata['labels']) ? metadata['labels'] : {};
  if (!isRecord(selector)) problems.push(required('spec.selector'));
  else {
    const wanted = Object.entries(isRecord(selector['matchLabels']) ? selector['matchLabels'] : {});
    const expressions = selector['matchExpressions'];
    if (wanted.length === 0 && !Array.isArray(expressions)) {
      problems.push(invalidValue('spec.selector', selector, 'empty selector is invalid for deployment'));
    } else if (wanted.some(([key, value]) => labels[key] !== value)) {
      problems.push(
        invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
      );
    }
  }
  problems.push(...labelProblems(labels, 'spec.template.labels'));
  problems.push(...podSpecProblems(template['spec'], 'spec.template.spec'));
  return problems;
}
