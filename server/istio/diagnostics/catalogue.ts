import type { Severity } from '#domain';
import { adviceCodes } from './advice-codes.ts';
import { istioCodes } from './istio-codes.ts';

/** One kind of thing that can be wrong with manifests. */
export interface CatalogueEntry {
  /** Permanent. `IST0xxx` is Istio's own, `MW…` exists only here. */
  readonly code: string;
  readonly severity: Severity;
  readonly title: string;
  /** The message; `{name}` stands for an argument. Those of `IST` codes are worded as Istio's analyzers print them. */
  readonly template: string;
  /** The words of Istio's webhook, where they differ. */
  readonly webhook?: string;
  /** What to do, one sentence; `{name}` as in the template. */
  readonly hint: string;
  /** Site path of the page that explains it. */
  readonly lesson?: string;
}

const text: readonly CatalogueEntry[] = [
  {
    code: 'MW0001',
    severity: 'error',
    title: 'Manifest too large',
    template: 'the manifest is too large to read: {what}',
    hint: 'Split it into several files and apply them one by one.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0002',
    severity: 'error',
    title: 'Too many documents',
    template: 'the file has {count} documents, {limit} are allowed',
    hint: 'Split the file, or apply the documents in groups.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0003',
    severity: 'error',
    title: 'Nested too deeply',
    template: 'the manifest is nested more than {limit} levels deep',
    hint: 'No Kubernetes object is this deep: look for brackets that are not closed.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0004',
    severity: 'error',
    title: 'Too many aliases',
    template: 'the manifest uses YAML aliases excessively: {what}',
    hint: 'Write the repeated part out instead of building it from anchors and aliases.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0005',
    severity: 'error',
    title: 'YAML syntax',
    template: 'error converting YAML to JSON: {what}',
    hint: 'Check indentation, colons and quotes on this line and the one above it.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0006',
    severity: 'error',
    title: 'Tab in indentation',
    template: 'error converting YAML to JSON: found a tab character that violates indentation',
    hint: 'Indent with spaces: YAML allows no tabs there.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0007',
    severity: 'error',
    title: 'Duplicate key',
    template: 'key "{key}" already set in map',
    hint: 'Keep one of the two: with both, one would silently win.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0008',
    severity: 'error',
    title: 'Not an object',
    template: 'the document is {what}, not an object with apiVersion, kind and metadata',
    hint: 'Start each document with apiVersion, kind and metadata, and separate documents by a line with three dashes.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0009',
    severity: 'error',
    title: 'No apiVersion or kind',
    template: "Object '{field}' is missing",
    hint: 'Say which API the object belongs to, for example apiVersion: networking.istio.io/v1 and kind: VirtualService.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0010',
    severity: 'error',
    title: 'No name',
    template: 'resource name may not be empty',
    hint: 'Give the object a name under metadata.name.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0011',
    severity: 'error',
    title: 'Unknown alias',
    template: "unknown anchor '{anchor}' referenced",
    hint: 'Put quotes around a value that starts with *, such as "*.example.com": without them YAML reads an alias.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0012',
    severity: 'error',
    title: 'Unknown kind',
    template: 'no matches for kind "{kind}" in version "{apiVersion}"',
    hint: 'Check spelling and API group; `kubectl api-resources` lists what is served here.',
    lesson: '/words/crd',
  },
];

const fields: readonly CatalogueEntry[] = [
  {
    code: 'MW0101',
    severity: 'error',
    title: 'Unknown field',
    template: 'unknown field "{path}"',
    hint: 'The kind has no such field: check its spelling and its indentation.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0102',
    severity: 'error',
    title: 'Wrong type',
    template: 'Invalid value: "{actual}": {path} in body must be of type {expected}: "{actual}"',
    hint: 'Give a value of type {expected}.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0103',
    severity: 'error',
    title: 'Unsupported value',
    template: 'Unsupported value: "{value}": supported values: {supported}',
    hint: 'Use one of the supported values, spelled exactly so.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0104',
    severity: 'error',
    title: 'Required field missing',
    template: 'Required value: {field}',
    hint: 'Add the field {field}.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0105',
    severity: 'error',
    title: 'Value out of bounds',
    template: '{message}',
    hint: 'The definition of the kind bounds this value: change it as the message says.',
    lesson: '/words/crd',
  },
  {
    code: 'MW0106',
    severity: 'error',
    title: 'Rule of the kind broken',
    template: 'Invalid value: {message}',
    hint: 'The definition of the kind has a rule about these fields: change them as the message says.',
    lesson: '/words/crd',
  },
];

const traffic: readonly CatalogueEntry[] = [
  {
    code: 'MW0201',
    severity: 'warning',
    title: 'Weights do not add up to 100',
    template: 'the weights add up to {total}, not 100: Istio accepts that and shares by proportion, here {shares}',
    hint: 'Let the weights of one route add up to 100, so that each reads as a percentage.',
    lesson: '/words/traffic-shifting',
  },
  {
    code: 'MW0202',
    severity: 'warning',
    title: 'No time for the retries',
    template: 'timeout {timeout} ends the request before {tries} tries of {perTry} each can be made',
    hint: 'Raise timeout, or lower attempts or perTryTimeout: the timeout covers all tries together.',
    lesson: '/words/timeout',
  },
  {
    code: 'MW0203',
    severity: 'warning',
    title: 'Rule behind a catch-all',
    template: 'rule {rule} is never reached: rule {earlier} before it matches every path',
    hint: 'Move the catch-all rule to the end: the first rule that matches wins.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'MW0204',
    severity: 'warning',
    title: 'Weight of a single destination',
    template: 'weight {weight} of the only destination is ignored: it receives all requests',
    hint: 'Remove the weight, or add the destination that is to receive the rest.',
    lesson: '/words/traffic-shifting',
  },
  {
    code: 'MW0205',
    severity: 'warning',
    title: 'Abort without effect',
    template: 'abort configured, but error type not set',
    hint: 'Add httpStatus, such as 503, or grpcStatus: without one of them no request is aborted.',
    lesson: '/words/abort',
  },
];

const mesh: readonly CatalogueEntry[] = [
  {
    code: 'MW0013',
    severity: 'error',
    title: 'Refused by the API server',
    template: '{what}',
    hint: 'Change what the message names; nothing was stored.',
    lesson: '/words/admission-webhook',
  },
  {
    code: 'MW0301',
    severity: 'info',
    title: 'Still in force',
    template:
      '{kind} {name} is no longer in your files, and it is still in force: applying adds and changes, it never removes',
    hint: 'To remove it, type: kubectl delete {kindLower} {name}',
    lesson: '/words/control-plane',
  },
  {
    code: 'MW0401',
    severity: 'error',
    title: 'Route table missing',
    template: '{what}',
    hint: 'This is a fault of Meshwork: the control plane made a listener whose route table it did not make.',
    lesson: '/words/rds',
  },
  {
    code: 'MW0402',
    severity: 'error',
    title: 'Resource cannot be encoded',
    template: '{what}',
    hint: 'The proxies keep the last good form; look at the field that the message names.',
    lesson: '/words/xds',
  },
  {
    code: 'MW0403',
    severity: 'warning',
    title: 'Extension is not run',
    template: '{what}',
    hint: 'Filters and their places are as Istio makes them (meshwork xds shows them); the code itself runs in Envoy only.',
    lesson: '/words/wasm-plugin',
  },
  {
    code: 'MW0404',
    severity: 'warning',
    title: 'Envoy of another build',
    template: '{what}',
    hint: 'Name the protocol of the port (http, grpc, or appProtocol), and HTTP passes as HTTP.',
    lesson: '/words/envoy',
  },
];

/** Every code that this room can give, each once. */
export const diagnosticCatalogue: readonly CatalogueEntry[] = [
  ...text,
  ...fields,
  ...traffic,
  ...mesh,
  ...istioCodes,
  ...adviceCodes,
];
