import type { ServingCertificate } from '#ca';
import type { MountedFiles } from '../exec/container-files.ts';

const ECHO_IMAGES: ReadonlySet<string> = new Set(['app', 'echo-advanced']);
const ECHO_CERTIFICATE = '/cert.crt';
const ECHO_KEY = '/cert.key';

/**
 * What an image brings itself, below what is mounted. The echo images have a certificate and a key, which their `--crt` and `--key` name;
 * here each container has its own.
 */
export function withImageFiles(
  mounted: MountedFiles,
  { image, issue }: { readonly image: string; readonly issue: () => ServingCertificate },
): MountedFiles {
  if (!ECHO_IMAGES.has(image)) return mounted;
  let made: ServingCertificate | undefined;
  const certificate = (): ServingCertificate => (made ??= issue());
  const own = (path: string): Buffer | undefined => {
    if (path === ECHO_CERTIFICATE) return Buffer.from(certificate().certPem);
    return path === ECHO_KEY ? Buffer.from(certificate().keyPem) : undefined;
  };
  return {
    read: (path) => mounted.read(path) ?? own(path),
    list: () => [ECHO_CERTIFICATE, ECHO_KEY, ...mounted.list()],
  };
}
