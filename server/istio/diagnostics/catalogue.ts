import type { Severity } from '#domain';

/** One kind of thing that can be wrong with manifests. */
export interface CatalogueEntry {
  /** Permanent. `IST0xxx` is Istio's own, `MW…` exists only here. */
  readonly code: string;
  readonly severity: Severity;
  readonly title: string;
  /** The message; `{name}` stands for an argument. Those of `IST` codes are worded as Istio's analyzers print them. */
  readonly template: string;
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
  },
  {
    code: 'MW0002',
    severity: 'error',
    title: 'Too many documents',
    template: 'the file has {count} documents, {limit} are allowed',
    hint: 'Split the file, or apply the documents in groups.',
  },
  {
    code: 'MW0003',
    severity: 'error',
    title: 'Nested too deeply',
    template: 'the manifest is nested more than {limit} levels deep',
    hint: 'No Kubernetes object is this deep: look for brackets that are not closed.',
  },
  {
    code: 'MW0004',
    severity: 'error',
    title: 'Too many aliases',
    template: 'the manifest uses YAML aliases excessively: {what}',
    hint: 'Write the repeated part out instead of building it from anchors and aliases.',
  },
  {
    code: 'MW0005',
    severity: 'error',
    title: 'YAML syntax',
    template: 'error converting YAML to JSON: {what}',
    hint: 'Check indentation, colons and quotes on this line and the one above it.',
  },
  {
    code: 'MW0006',
    severity: 'error',
    title: 'Tab in indentation',
    template: 'error converting YAML to JSON: found a tab character that violates indentation',
    hint: 'Indent with spaces: YAML allows no tabs there.',
  },
  {
    code: 'MW0007',
    severity: 'error',
    title: 'Duplicate key',
    template: 'key "{key}" already set in map',
    hint: 'Keep one of the two: with both, one would silently win.',
  },
  {
    code: 'MW0008',
    severity: 'error',
    title: 'Not an object',
    template: 'the document is {what}, not an object with apiVersion, kind and metadata',
    hint: 'Start each document with apiVersion, kind and metadata, and separate documents by a line with three dashes.',
  },
  {
    code: 'MW0009',
    severity: 'error',
    title: 'No apiVersion or kind',
    template: "Object '{field}' is missing",
    hint: 'Say which API the object belongs to, for example apiVersion: networking.istio.io/v1 and kind: VirtualService.',
  },
  {
    code: 'MW0010',
    severity: 'error',
    title: 'No name',
    template: 'resource name may not be empty',
    hint: 'Give the object a name under metadata.name.',
  },
  {
    code: 'MW0011',
    severity: 'error',
    title: 'Unknown alias',
    template: "unknown anchor '{anchor}' referenced",
    hint: 'Put quotes around a value that starts with *, such as "*.example.com": without them YAML reads an alias.',
  },
  {
    code: 'MW0012',
    severity: 'error',
    title: 'Unknown kind',
    template: 'no matches for kind "{kind}" in version "{apiVersion}"',
    hint: 'Check spelling and API group; `kubectl api-resources` lists what is served here.',
  },
];

const fields: readonly CatalogueEntry[] = [
  {
    code: 'MW0101',
    severity: 'error',
    title: 'Unknown field',
    template: 'unknown field "{path}"',
    hint: 'The kind has no such field: check its spelling and its indentation.',
  },
  {
    code: 'MW0102',
    severity: 'error',
    title: 'Wrong type',
    template: 'Invalid value: "{actual}": {path} in body must be of type {expected}: "{actual}"',
    hint: 'Give a value of type {expected}.',
  },
  {
    code: 'MW0103',
    severity: 'error',
    title: 'Unsupported value',
    template: 'Unsupported value: "{value}": supported values: {supported}',
    hint: 'Use one of the supported values, spelled exactly so.',
  },
  {
    code: 'MW0104',
    severity: 'error',
    title: 'Required field missing',
    template: 'Required value: {field}',
    hint: 'Add the field {field}.',
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
];

const mesh: readonly CatalogueEntry[] = [
  {
    code: 'MW0013',
    severity: 'error',
    title: 'Refused by the API server',
    template: '{what}',
    hint: 'Change what the message names; nothing was stored.',
  },
  {
    code: 'MW0301',
    severity: 'info',
    title: 'Still in force',
    template:
      '{kind} {name} is no longer in your files, and it is still in force: applying adds and changes, it never removes',
    hint: 'To remove it, type: kubectl delete {kindLower} {name}',
  },
  {
    code: 'MW0401',
    severity: 'error',
    title: 'Route table missing',
    template: '{what}',
    hint: 'This is a fault of Meshwork: the control plane made a listener whose route table it did not make.',
  },
  {
    code: 'MW0402',
    severity: 'error',
    title: 'Resource cannot be encoded',
    template: '{what}',
    hint: 'The proxies keep the last good form; look at the field that the message names.',
  },
];

const istio: readonly CatalogueEntry[] = [
  {
    code: 'IST0101',
    severity: 'error',
    title: 'Referenced resource not found',
    template: 'Referenced {reftype} not found: "{refval}"',
    hint: 'Correct the name, or create what it refers to.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0102',
    severity: 'info',
    title: 'Namespace not injected',
    template:
      "The namespace is not enabled for Istio injection. Run 'kubectl label namespace {namespace} istio-injection=enabled' to enable it, " +
      "or 'kubectl label namespace {namespace} istio-injection=disabled' to explicitly mark it as not needing injection.",
    hint: 'Label the namespace, then restart its pods: only pods created afterwards get a sidecar.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0103',
    severity: 'warning',
    title: 'Pod without proxy',
    template:
      'The pod {pod} is missing the Istio proxy. This can often be resolved by restarting or redeploying the workload.',
    hint: 'Restart the workload: the sidecar is added when a pod is created, never later.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0106',
    severity: 'error',
    title: 'Rejected by Istio',
    template: '{message}',
    hint: "Istio's validation refuses the object as it stands: change the field that is named.",
  },
  {
    code: 'IST0109',
    severity: 'error',
    title: 'Two VirtualServices for one host',
    template:
      'The VirtualServices {virtualServices} associated with mesh gateway define the same host {host} which can lead to undefined ' +
      'behavior. This can be fixed by merging the conflicting VirtualServices into a single resource.',
    hint: 'Move all rules for the host into one VirtualService: sidecars use the oldest one and ignore the others.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0112',
    severity: 'error',
    title: 'Destination port required',
    template:
      'This VirtualService routes to a service "{host}" that exposes multiple ports {ports}. Specifying a port in the destination is ' +
      'required to disambiguate.',
    hint: 'Add port.number to the destination.',
    lesson: '/words/service',
  },
  {
    code: 'IST0118',
    severity: 'info',
    title: 'Port name outside the convention',
    template:
      "Port name {portName} (port: {port}, targetPort: {targetPort}) doesn't follow the naming convention of Istio port.",
    hint: 'Name the port after its protocol, such as http or http-web, or set appProtocol; otherwise Istio must guess.',
    lesson: '/words/protocol-selection',
  },
  {
    code: 'IST0123',
    severity: 'warning',
    title: 'Several injection labels',
    template:
      'The namespace has more than one type of injection labels [{labels}], which may lead to undefined behavior. Make sure only one ' +
      'injection label exists.',
    hint: 'Keep one of the labels.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0127',
    severity: 'warning',
    title: 'Selector matches no workload',
    template: 'No matching workloads for this resource with the following labels: {labels}',
    hint: 'Compare the selector with the labels of the pods that it should select.',
  },
  {
    code: 'IST0128',
    severity: 'warning',
    title: 'Server certificate not verified',
    template:
      'DestinationRule {destinationRule} in namespace {namespace} has TLS mode set to {mode} but no caCertificates are set to validate ' +
      'server identity for host: {host}',
    hint: 'Set caCertificates, so that the proxy can tell the real server from an impostor.',
    lesson: '/words/destinationrule',
  },
  {
    code: 'IST0129',
    severity: 'warning',
    title: 'Server certificate not verified at a port',
    template:
      'DestinationRule {destinationRule} in namespace {namespace} has TLS mode set to {mode} but no caCertificates are set to validate ' +
      'server identity for host: {host} at port {port}',
    hint: 'Set caCertificates for this port, so that the proxy can tell the real server from an impostor.',
    lesson: '/words/destinationrule',
  },
  {
    code: 'IST0130',
    severity: 'warning',
    title: 'Rule never used',
    template: 'VirtualService rule {rule} not used ({reason}).',
    hint: 'Put rules with matches first and one rule without a match last: the first rule that matches wins.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0131',
    severity: 'info',
    title: 'Match never used',
    template: 'VirtualService rule {rule} match {match} is not used (duplicate/overlapping match in rule {earlier}).',
    hint: 'Remove the match, make it narrower, or move its rule up.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0132',
    severity: 'warning',
    title: 'Host not found in Gateway',
    template: 'one or more host [{hosts}] defined in VirtualService {virtualService} not found in Gateway {gateway}.',
    hint: 'Add the host to a server of the Gateway, or use a host that it already serves; otherwise the answer is 404.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0133',
    severity: 'warning',
    title: 'Accepted with a warning',
    template: '{message}',
    hint: 'Istio accepts the object, but part of it does not do what it seems to.',
  },
  {
    code: 'IST0134',
    severity: 'warning',
    title: 'ServiceEntry without addresses',
    template: 'ServiceEntry addresses are required for this protocol.',
    hint: 'Add addresses: a TCP port without them catches every connection to that port number.',
    lesson: '/words/serviceentry',
  },
  {
    code: 'IST0137',
    severity: 'warning',
    title: 'One target port, several ports',
    template:
      'This deployment {deployment} is associated with multiple services [{services}] using targetPort "{targetPort}" but different ' +
      'ports: [{ports}].',
    hint: 'Give these Services the same port number for this target port.',
    lesson: '/words/service',
  },
  {
    code: 'IST0145',
    severity: 'error',
    title: 'Conflicting gateways',
    template: 'Conflict with gateways {gateways} (workload selector {selector}, port {port}, hosts {hosts}).',
    hint: 'Let each host of a port belong to one Gateway: of two, the older one is used.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0173',
    severity: 'error',
    title: 'Subset selects no pods',
    template:
      'The Subset {subset} defined in the DestinationRule does not select any pods. Which may lead to 503 UH (NoHealthyUpstream).',
    hint: 'Compare the labels of the subset with the labels of the pods.',
    lesson: '/words/subset',
  },
  {
    code: 'IST0174',
    severity: 'warning',
    title: 'Unknown DestinationRule host',
    template: 'The host {host} defined in the DestinationRule does not match any services in the mesh.',
    hint: 'Correct the host: a short name means a Service in the namespace of the rule.',
    lesson: '/words/destinationrule',
  },
];

/** Every code that this room can give, each once. */
export const diagnosticCatalogue: readonly CatalogueEntry[] = [...text, ...fields, ...traffic, ...mesh, ...istio];
