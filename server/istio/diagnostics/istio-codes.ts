import type { CatalogueEntry } from './catalogue.ts';

/** Istio's own codes, worded as `istioctl analyze` words them. */
export const istioCodes: readonly CatalogueEntry[] = [
  {
    code: 'IST0002',
    severity: 'warning',
    title: 'Deprecated',
    template: 'Deprecated: {detail}',
    hint: 'Replace it: a later version of Istio may ignore or refuse it.',
  },
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
    code: 'IST0107',
    severity: 'warning',
    title: 'Annotation on the wrong kind',
    template: 'Misplaced annotation: {annotation} can only be applied to {kind}',
    hint: 'Move the annotation to an object of that kind; for pods of a Deployment, to spec.template.metadata.annotations.',
  },
  {
    code: 'IST0108',
    severity: 'warning',
    title: 'Unknown annotation',
    template: 'Unknown annotation: {annotation}',
    hint: 'Check the spelling: Istio reads no annotation of this name.',
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
    code: 'IST0110',
    severity: 'error',
    title: 'Two Sidecars for one pod',
    template:
      'The Sidecars {sidecars} in namespace "{namespace}" select the same workload pod "{pod}", which can lead to undefined behavior.',
    hint: 'Let each pod be selected by one Sidecar: the proxy uses only one of them.',
  },
  {
    code: 'IST0111',
    severity: 'error',
    title: 'Two Sidecars for one namespace',
    template:
      'The Sidecars {sidecars} in namespace "{namespace}" have no workload selector, which can lead to undefined behavior.',
    hint: 'Keep one Sidecar without a workloadSelector in the namespace, and give the others a selector.',
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
    code: 'IST0116',
    severity: 'warning',
    title: 'One port, two protocols',
    template:
      'This deployment {deployment} is associated with multiple services using port {port} but different protocols: {services}',
    hint: 'Use the same protocol for this port in all Services of the workload, or another port number.',
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
      'The namespace has more than one type of injection labels {labels}, which may lead to undefined behavior. Make sure only one ' +
      'injection label exists.',
    hint: 'Keep one of the labels.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0125',
    severity: 'warning',
    title: 'Invalid annotation',
    template: 'Invalid annotation {annotation}: {problem}',
    hint: 'Correct the value of the annotation: injection refuses pods with this one.',
  },
  {
    code: 'IST0126',
    severity: 'error',
    title: 'Unknown service registry',
    template: 'Unknown service registry {registry} in network {network}',
    hint: 'Name a registry that the mesh has: Kubernetes, or the name of a cluster with a remote secret.',
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
    webhook: 'virtualService rule {rule} not used ({reason})',
    hint: 'Put rules with matches first and one rule without a match last: the first rule that matches wins.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0131',
    severity: 'info',
    title: 'Match never used',
    template: 'VirtualService rule {rule} match {match} is not used (duplicate/overlapping match in rule {earlier}).',
    webhook: 'virtualService rule {rule} match {match} is not used (duplicate/overlapping match in rule {earlier})',
    hint: 'Remove the match, make it narrower, or move its rule up.',
    lesson: '/words/virtualservice',
  },
  {
    code: 'IST0132',
    severity: 'warning',
    title: 'Host not found in Gateway',
    template: 'one or more host {hosts} defined in VirtualService {virtualService} not found in Gateway {gateway}.',
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
    code: 'IST0135',
    severity: 'info',
    title: 'Deprecated annotation',
    template: 'Annotation "{annotation}" has been deprecated{extra} and may not work in future Istio versions.',
    hint: 'Use what replaces it, and remove the annotation.',
  },
  {
    code: 'IST0137',
    severity: 'warning',
    title: 'One target port, several ports',
    template:
      'This deployment {deployment} is associated with multiple services {services} using targetPort "{targetPort}" but different ' +
      'ports: {ports}.',
    hint: 'Give these Services the same port number for this target port.',
    lesson: '/words/service',
  },
  {
    code: 'IST0138',
    severity: 'warning',
    title: 'One certificate in two Gateways',
    template:
      'Duplicate certificate in multiple gateways {gateways} may cause 404s if clients re-use HTTP2 connections.',
    hint: 'Put the servers into one Gateway, or use a certificate for each host.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0139',
    severity: 'error',
    title: 'Invalid webhook',
    template: '{what}',
    hint: 'Let every combination of namespace and pod labels match one injection webhook at most, whose Service exists.',
  },
  {
    code: 'IST0140',
    severity: 'warning',
    title: 'Subset ignored by the gateway',
    template:
      'Subset in virtual service {subsetVirtualService} has no effect on ingress gateway {virtualService} requests',
    hint: 'Add the gateway to the VirtualService that chooses subsets, or name the subset in this route too.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0144',
    severity: 'warning',
    title: 'User of the proxy',
    template: 'User ID (UID) 1337 is reserved for the sidecar proxy.',
    hint: 'Run the application as another user: traffic of user 1337 bypasses the sidecar.',
    lesson: '/words/sidecar-proxy',
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
    code: 'IST0146',
    severity: 'warning',
    title: 'Image auto without injection',
    template: '{kind} {name} contains `image: auto` but does not match any Istio injection webhook selectors.',
    hint: 'Label the namespace or the pod template for injection: nothing else replaces the image.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0147',
    severity: 'error',
    title: 'Pod with image: auto',
    template: '{kind} {name} contains `image: auto` but does not match any Istio injection webhook selectors.',
    hint: 'Delete the pod, label its namespace for injection and create it again: the image was never replaced.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0148',
    severity: 'info',
    title: 'Injected by default',
    template: 'is enabled for Istio injection, as Istio is installed with enableNamespacesByDefault as true.',
    hint: 'Label the namespace istio-injection=disabled if its pods are to have no sidecar.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0149',
    severity: 'error',
    title: 'Claims nobody verifies',
    template:
      'The virtual service uses the JWT claim based routing (key: {key}) but found no request authentication for the gateway ({gateway}) pod ({pod}). The request authentication must first be applied for the gateway pods to validate the JWT token and make the claims available for routing.',
    hint: 'Create a RequestAuthentication that selects the gateway: claims exist only after the token was verified.',
  },
  {
    code: 'IST0150',
    severity: 'warning',
    title: 'TCP port of an ExternalName Service',
    template:
      'Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol from being forwarded correctly',
    hint: 'Name the port after its protocol, such as http or tls, but not tcp.',
    lesson: '/words/protocol-selection',
  },
  {
    code: 'IST0151',
    severity: 'warning',
    title: 'Relative patch without priority',
    template:
      'This EnvoyFilter does not have a priority and has a relative patch operation set which can cause the EnvoyFilter not to be applied. Using the INSERT_FIRST of ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.',
    hint: 'Set spec.priority, so that the patch comes after the one that it refers to.',
  },
  {
    code: 'IST0152',
    severity: 'error',
    title: 'REPLACE not possible here',
    template: 'The REPLACE operation is only valid for HTTP_FILTER and NETWORK_FILTER.',
    hint: 'Use MERGE, or patch the filter instead.',
  },
  {
    code: 'IST0153',
    severity: 'error',
    title: 'ADD not possible here',
    template: 'The ADD operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.',
    hint: 'Use MERGE for a route configuration, and INSERT_FIRST for a route.',
  },
  {
    code: 'IST0154',
    severity: 'error',
    title: 'REMOVE not possible here',
    template: 'The REMOVE operation will be ignored when applyTo is set to ROUTE_CONFIGURATION, or HTTP_ROUTE.',
    hint: 'Remove the route in its VirtualService.',
  },
  {
    code: 'IST0155',
    severity: 'warning',
    title: 'Relative patch bound to a version',
    template:
      'This EnvoyFilter does not have a priority and has a relative patch operation (NSTERT_BEFORE/AFTER, REPLACE, MERGE, DELETE) and proxyVersion set which can cause the EnvoyFilter not to be applied during an upgrade. Using the INSERT_FIRST or ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.',
    hint: 'Set spec.priority, and remove proxyVersion once all proxies are upgraded.',
  },
  {
    code: 'IST0157',
    severity: 'warning',
    title: 'Telemetry without provider',
    template: 'The Telemetry {name} in namespace "{namespace}" with empty providers will be ignored.',
    hint: 'Name a provider for the access log, or set defaultProviders.accessLogging in the mesh configuration.',
  },
  {
    code: 'IST0158',
    severity: 'warning',
    title: 'Old proxies',
    template:
      'The Istio proxy images of the pods running in the namespace do not match the image defined in the injection configuration (pod names: {pods}). This often happens after upgrading the Istio control-plane and can be fixed by redeploying the pods.',
    hint: 'Restart the workloads: a pod keeps the proxy that it was created with.',
    lesson: '/words/sidecar-injection',
  },
  {
    code: 'IST0159',
    severity: 'error',
    title: 'Two Telemetries for one pod',
    template:
      'The Telemetries {telemetries} in namespace "{namespace}" select the same workload pod "{pod}", which can lead to undefined behavior.',
    hint: 'Let each pod be selected by one Telemetry: the oldest is used, the others are not.',
  },
  {
    code: 'IST0160',
    severity: 'error',
    title: 'Two Telemetries for one namespace',
    template:
      'The Telemetries {telemetries} in namespace "{namespace}" have no workload selector, which can lead to undefined behavior.',
    hint: 'Keep one Telemetry without a selector in the namespace.',
  },
  {
    code: 'IST0161',
    severity: 'error',
    title: 'Invalid gateway certificate',
    template:
      'The credential referenced by the Gateway {gateway} in namespace {namespace} is invalid, which can cause the traffic not to work as expected.',
    hint: 'Store tls.crt and tls.key in the Secret, in PEM form, with a certificate that is valid today.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0162',
    severity: 'warning',
    title: 'Gateway port without Service port',
    template:
      'The gateway is listening on a target port (port {port}) that is not defined in the Service associated with its workload instances (Pod selector {selector}). If you need to access the gateway port through the gateway Service, it will not be available.',
    hint: 'Add the port to the Service of the gateway, or use one of its ports.',
    lesson: '/words/ingress-gateway',
  },
  {
    code: 'IST0163',
    severity: 'warning',
    title: 'External control plane: invalid address',
    template:
      'The hostname ({hostname}) that was provided for the webhook ({webhook}) to reach the ingress gateway on the external control plane cluster {problem}. Traffic may not flow properly.',
    hint: 'Give the webhook the URL of the external control plane, with a host name.',
  },
  {
    code: 'IST0164',
    severity: 'info',
    title: 'External control plane: IP address',
    template:
      'The address ({hostname}) that was provided for the webhook ({webhook}) to reach the ingress gateway on the external control plane cluster is an IP address. This is not recommended for a production environment.',
    hint: 'Use a host name: the address of a load balancer may change.',
  },
  {
    code: 'IST0165',
    severity: 'warning',
    title: 'Internal Gateway',
    template:
      'Gateway reference in VirtualService {virtualService} is to an implementation-generated internal Gateway: {gateway}.',
    hint: 'Use an HTTPRoute for a Gateway of the Gateway API: the internal Gateway may change at any time.',
  },
  {
    code: 'IST0166',
    severity: 'warning',
    title: 'Selector on a Gateway API gateway',
    template: 'Ineffective selector on Kubernetes Gateway {gateway}. Use the TargetRef field instead.',
    hint: 'Name the Gateway in spec.targetRefs and remove the selector.',
  },
  {
    code: 'IST0167',
    severity: 'warning',
    title: 'Policy without effect',
    template: 'The policy has no impact: {reason}.',
    hint: 'Remove the policy, or move the workload out of ambient mode: without a sidecar nobody reads it.',
  },
  {
    code: 'IST0171',
    severity: 'warning',
    title: 'Negative condition',
    template: 'A condition with a negative status is present: type={type}, reason={reason}, message={message}.',
    hint: 'Read the reason: the control plane could not use the object as it stands.',
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
  {
    code: 'IST0175',
    severity: 'warning',
    title: 'JWKS fetches unrestricted',
    template:
      'BLOCKED_CIDRS_IN_JWKS_URIS is not configured but {count} RequestAuthentication resource(s) exist ({names}). Consider configuring it to restrict JWKS URI fetches to trusted networks.',
    hint: 'Set the variable in istiod to the networks that a jwksUri must never reach.',
  },
  {
    code: 'IST0176',
    severity: 'warning',
    title: 'Gateway API too old',
    template:
      'Gateway API CRD "{crd}" is at version "{installed}" but Istio requires at least "{minimum}"; resources of this kind will not be processed. Upgrade the Gateway API CRDs to satisfy the minimum version.',
    hint: 'Install a newer release of the Gateway API CRDs.',
  },
  {
    code: 'IST0177',
    severity: 'warning',
    title: 'Two protocols for one external port',
    template:
      'Multiple ServiceEntries ({entries}) define the same host "{host}" and port {port} with conflicting protocols ({protocols}).',
    hint: 'Use one protocol for the host and port in all ServiceEntries.',
    lesson: '/words/serviceentry',
  },
];
