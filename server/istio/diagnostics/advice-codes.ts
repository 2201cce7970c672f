import type { CatalogueEntry } from './catalogue.ts';

/** Mistakes between objects for which Istio has no code. */
export const adviceCodes: readonly CatalogueEntry[] = [
  {
    code: 'MW0501',
    severity: 'warning',
    title: 'Selector selects no pod',
    template: 'the selector {selector} of {kind} {name} selects no pod',
    hint: 'Compare the selector with the labels of the pods that it should select.',
    lesson: '/words/pod',
  },
  {
    code: 'MW0502',
    severity: 'warning',
    title: 'Subset without pods of its own service',
    template: 'subset {subset} selects none of the pods of {host}: requests for it are answered with 503 and flag UH',
    hint: 'Compare the labels of the subset with the labels of the pods.',
    lesson: '/words/subset',
  },
  {
    code: 'MW0503',
    severity: 'warning',
    title: 'Plain text where mutual TLS is demanded',
    template:
      'tls mode {mode} sends no workload certificate to {host}, where PeerAuthentication {policy} demands one: connections are reset',
    hint: 'Use mode ISTIO_MUTUAL, or leave tls out: Istio then uses mutual TLS by itself.',
    lesson: '/words/mtls',
  },
  {
    code: 'MW0505',
    severity: 'warning',
    title: 'Outlier detection that ejects nobody',
    template: 'outlierDetection of {host} can eject nobody: {percent} percent of {count} is less than one pod',
    hint: 'Raise maxEjectionPercent, for example to 100, or run more pods.',
    lesson: '/words/destinationrule',
  },
  {
    code: 'MW0506',
    severity: 'info',
    title: 'Requests without a token pass',
    template:
      'RequestAuthentication {name} refuses invalid tokens only: no AuthorizationPolicy here asks for a requestPrincipal, so requests without a token pass',
    hint: 'Add an AuthorizationPolicy that allows requestPrincipals: ["*"] only.',
    lesson: '/words/zero-trust',
  },
  {
    code: 'MW0508',
    severity: 'warning',
    title: 'Short host at a gateway',
    template:
      'host {host} means {full}: clients outside the mesh do not send that name, so the gateway answers them with 404',
    hint: 'Write the name that clients use, such as shop.example.com.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'MW0509',
    severity: 'warning',
    title: 'Service without pods',
    template:
      'the selector {selector} of Service {name} selects no pod: requests to it are answered with 503 and flag UH',
    hint: 'Compare the selector with the labels of the pods.',
    lesson: '/words/service',
  },
  {
    code: 'MW0510',
    severity: 'warning',
    title: 'Unknown target port',
    template: 'targetPort {port} of Service {name} is a name that none of its pods gives to a port',
    hint: 'Name the port in the containers of the pods, or use its number.',
    lesson: '/words/service',
  },
  {
    code: 'MW0511',
    severity: 'warning',
    title: 'Filter that the proxies do not have',
    template:
      "the lab's own proxies have no filter {filter}: each proxy that the patch reaches refuses the listener, and keeps it as it is until the patch is gone",
    hint: 'Remove the patch.',
    lesson: '/words/envoyfilter',
  },
  {
    code: 'MW0520',
    severity: 'warning',
    title: 'Parent not found',
    template: '{kind} {name} is attached to nothing: {parentKind} {parent} does not exist',
    hint: 'Correct the parentRef, or create the parent.',
    lesson: '/words/route',
  },
  {
    code: 'MW0521',
    severity: 'warning',
    title: 'Backend not found',
    template: 'backend {backend} does not exist: {effect}',
    hint: 'Correct the backendRef, or create the Service.',
    lesson: '/words/route',
  },
  {
    code: 'MW0522',
    severity: 'warning',
    title: 'Backend port not found',
    template: 'Service {service} has no port {port}: {effect}',
    hint: 'Use a port of the Service, not the target port.',
    lesson: '/words/service',
  },
  {
    code: 'MW0523',
    severity: 'warning',
    title: 'Backend without a grant',
    template:
      'backend {backend} is in another namespace, and no ReferenceGrant there lets {kind} of namespace {namespace} use it',
    hint: 'Create a ReferenceGrant in the namespace of the Service.',
    lesson: '/words/namespace',
  },
];
