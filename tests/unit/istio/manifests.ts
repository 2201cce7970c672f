import type { Diagnostic } from '#domain';
import { istioKinds, type ParsedDocument, parseManifests, validateDocument } from '#istio';
import { coreKinds } from '#kube-api';

export const allKinds = [...coreKinds, ...istioKinds];

export function parse(text: string): readonly ParsedDocument[] {
  const { documents, diagnostics } = parseManifests([{ file: 'a.yaml', text }]);
  if (diagnostics.length > 0) throw new Error(diagnostics.map((each) => each.message).join('\n'));
  return documents;
}

export function parseOne(text: string): ParsedDocument {
  const [document] = parse(text);
  if (!document) throw new Error('no document');
  return document;
}

export const validate = (text: string): Diagnostic[] =>
  parse(text).flatMap((document) => validateDocument(document, allKinds));

/** `path: message`, as short as a test wants it. */
export const findings = (text: string): string[] =>
  validate(text).map((each) => `${each.code} ${each.origin?.path ?? ''}: ${each.message}`);

const indent = (text: string, by: number): string =>
  text
    .trim()
    .split('\n')
    .map((line) => ' '.repeat(by) + line)
    .join('\n');

/** A VirtualService for `reviews` with these spec lines. */
export const virtualService = (spec: string, name = 'reviews'): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: ${name}\nspec:\n${indent(spec, 2)}\n`;

/** A VirtualService whose only route has these lines beside its destination. */
export const httpRoute = (lines: string): string =>
  virtualService(`hosts: [reviews]\nhttp:\n- route:\n  - destination: {host: reviews}\n${indent(lines, 2)}`);

/** A VirtualService whose only route is exactly these lines. */
export const bareRoute = (lines: string): string =>
  virtualService(`hosts: [reviews]\nhttp:\n- name: only\n${indent(lines, 2)}`);

export const destinationRule = (spec: string, name = 'reviews'): string =>
  `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: ${name}\nspec:\n  host: reviews\n${indent(spec, 2)}\n`;

export const gateway = (servers: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata:\n  name: front\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n${indent(servers, 2)}\n`;

export const peerAuthentication = (spec: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\nspec:\n${indent(spec, 2)}\n`;
