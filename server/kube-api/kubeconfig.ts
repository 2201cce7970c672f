import { stringify } from 'yaml';
import type { KubeconfigOptions } from './server-doors.ts';

/** A kubeconfig of one cluster with everything inline, as YAML. */
export function kubeconfigYaml(options: KubeconfigOptions): string {
  const { name, server, caPem, token, namespace } = options;
  const authority = caPem === undefined ? {} : { 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, ...authority } }],
      users: [{ name, user: { token } }],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}
