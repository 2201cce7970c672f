/** What the C library calls the errors that a connection attempt meets. */
const SYSTEM_MESSAGES: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ECONNABORTED: 'Software caused connection abort',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  EMFILE: 'Too many open files',
  ENETUNREACH: 'Network is unreachable',
  EPIPE: 'Broken pipe',
  ETIMEDOUT: 'Connection timed out',
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Envoy's transport failure reason for a TCP connection that could not be made: `delayed connect error: Connection refused`. */
export function connectFailure(error: unknown, when: 'immediate' | 'delayed'): string {
  const code = codeOf(error);
  const message = SYSTEM_MESSAGES[code] ?? (error instanceof Error ? error.message : String(error));
  return `${when} connect error: ${message}`;
}
