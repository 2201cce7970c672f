import { isIP } from 'node:net';
import type { KubeObject } from '#domain';
import type { Field } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { webhooksOf } from './webhooks.ts';

const INVALID = 'was provided in an invalid format';
const HOST_CHARACTERS = /^[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"\u0080-\uffff]*$/;

/** The part of an authority that names the host; undefined when it is malformed. */
function hostOf(authority: string): string | undefined {
  const address = authority.slice(authority.lastIndexOf('@') + 1);
  if (address.startsWith('[')) {
    const [, inside, port = ''] = /^\[([^\]]*)\](.*)$/.exec(address) ?? [];
    return inside !== undefined && /^(?::\d*)?$/.test(port) ? inside : undefined;
  }
  const colon = address.lastIndexOf(':');
  if (colon >= 0 && !/^:\d*$/.test(address.slice(colon))) return undefined;
  if (!HOST_CHARACTERS.test(address)) return undefined;
  return colon < 0 ? address : address.slice(0, address.indexOf(':'));
}

/** The host name of a URL as Go's net/url reads it; undefined for text that it refuses. */
function urlHost(url: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a URL must not contain them
  if (/[\u0000-\u001f\u007f]/.test(url)) return undefined;
  const [, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url) ?? [];
  const rest = (scheme === undefined ? url : url.slice(scheme.length + 1)).replace(/#.*$/s, '').replace(/\?.*$/s, '');
  if (scheme === undefined && /^:|^[^/]*:/.test(rest)) return undefined;
  if (/%(?![0-9A-Fa-f]{2})/.test(rest)) return undefined;
  if (!rest.startsWith('//')) return '';
  const [, authority = ''] = /^\/\/([^/]*)/.exec(rest) ?? [];
  return hostOf(authority);
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
  const host = urlHost(url.text);
  if (host === undefined) report('IST0163', place, { hostname: url.text, webhook: name, problem: INVALID });
  else if (isIP(host) !== 0) report('IST0164', place, { hostname: url.text, webhook: name });
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
