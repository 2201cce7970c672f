import { isIP } from 'node:net';
import type { KubeObject } from '#domain';
import type { Field } from '../../rules/field.ts';
import { parseGoUrl } from '../../rules/urls.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { webhooksOf } from './webhooks.ts';

const INVALID = 'was provided in an invalid format';

/** The host name of a URL; undefined for text that is none. */
function hostNameOf(url: string): string | undefined {
  const parsed = parseGoUrl(url);
  if ('problem' in parsed) return undefined;
  const [, literal, name] = /^(?:\[(.*)\]|([^:]*))(?::\d*)?$/.exec(parsed.host) ?? [];
  return literal ?? name ?? '';
}

function checkWebhook(object: KubeObject, webhook: Field, report: Report): void {
  const client = webhook.get('clientConfig');
  const url = client.get('url');
  const name = webhook.get('name').text;
  const place = { object, path: url.exists ? url.path : client.path };
  if (!url.exists) {
    if (client.get('service').exists) return;
    report('IST0163', place, { hostname: '', webhook: name, problem: 'is blank' });
    return;
  }
  const host = hostNameOf(url.text);
  if (host === undefined) report('IST0163', place, { hostname: url.text, webhook: name, problem: INVALID });
  else if (isIP(host) !== 0 && !host.includes('%')) report('IST0164', place, { hostname: url.text, webhook: name });
}

/** IST0163 and IST0164: how the webhooks of a remote cluster reach their control plane. */
export const externalControlPlane: Analyzer = {
  name: 'externalcontrolplane.ExternalControlPlaneAnalyzer',
  codes: ['IST0163', 'IST0164'],
  analyze(mesh, report) {
    const validating = mesh
      .of('ValidatingWebhookConfiguration', 'admissionregistration.k8s.io')
      .filter(({ metadata: { name } }) => name === 'istiod-default-validator' || name.startsWith('istio-validator'));
    const mutating = mesh.mutatingWebhooks.filter(({ metadata: { name } }) =>
      name.startsWith('istio-sidecar-injector'),
    );
    for (const object of [...validating, ...mutating]) {
      for (const webhook of webhooksOf(object)) checkWebhook(object, webhook, report);
    }
  },
};
