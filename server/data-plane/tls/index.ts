export { ClientSessions } from './client-sessions.ts';
export type { ClientTransportOptions } from './client-transport.ts';
export { createClientTransport } from './client-transport.ts';
export type { CredentialsSource, TlsCredentials, TlsParameters } from './credentials.ts';
export { SecureContexts } from './credentials.ts';
export {
  describeHandshakeError,
  HANDSHAKE_TIMEOUT,
  type HandshakeCounter,
  handshakeCounter,
  SECRET_NOT_SUPPLIED,
} from './failure-reason.ts';
export type { Inspection, InspectOptions } from './inspector.ts';
export { inspect } from './inspector.ts';
export type { ServerTransport, ServerTransportOptions } from './server-transport.ts';
export { createServerTransport } from './server-transport.ts';
export type { SubjectAltNames } from './subject-alt-names.ts';
export { coversDnsName, parseSubjectAltNames } from './subject-alt-names.ts';
export type { HandshakeWaiter, SecuredSocket, TransportSocket } from './transport.ts';
export { resetSocket } from './wires.ts';
