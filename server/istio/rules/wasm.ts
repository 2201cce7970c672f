import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { parseGoUrl } from './urls.ts';

const SCHEMES = new Set(['', 'file', 'http', 'https', 'oci']);

/** The URL must hold as a request's and as any other's. */
function strictly(text: string): { readonly scheme: string } | { readonly problem: string } {
  const requested = parseGoUrl(text, { request: true });
  if ('problem' in requested) return requested;
  const any = parseGoUrl(text);
  return 'problem' in any ? any : requested;
}

function urlProblem(text: string): string | undefined {
  if (text === '') return 'url field needs to be set';
  const requested = parseGoUrl(text, { request: true });
  const failed = (why: string): string => `failed to parse url: parse "${text}": ${why}`;
  // What is no URL may be one without its scheme.
  const url = strictly('problem' in requested ? `http://${text}` : text);
  if ('problem' in url) return failed('problem' in requested ? requested.problem : url.problem);
  return SCHEMES.has(url.scheme) ? undefined : `url contains unsupported scheme: ${url.scheme}`;
}

function hashProblem(hash: string): string | undefined {
  if (hash === '') return undefined;
  if (Buffer.byteLength(hash) !== 64) return 'sha256 field must be 64 characters long';
  return /^[a-f0-9]+$/.test(hash) ? undefined : 'sha256 field must match [a-f0-9]{64} pattern';
}

/** The first thing that is wrong with the environment of a plug-in's virtual machine. */
function checkEnvironment(environment: Field, findings: Findings): void {
  const seen = new Set<string>();
  for (const variable of environment.items) {
    const wrong = variableProblem(variable, seen);
    if (wrong !== undefined) {
      findings.reject(...wrong);
      return;
    }
    seen.add(variable.get('name').text);
  }
}

function variableProblem(variable: Field, seen: ReadonlySet<string>): Parameters<Findings['reject']> | undefined {
  const name = variable.get('name');
  const value = variable.get('value');
  if (name.text === '') return [variable, 'spec.vmConfig.env invalid', 'Add name.'];
  if (Buffer.byteLength(name.text) > 256) return [name, 'env.name field must be less than 255 characters long'];
  if (seen.has(name.text)) return [variable, 'duplicate env', 'Name each variable once.'];
  if (variable.get('valueFrom').text !== 'HOST' || value.text === '') return undefined;
  return [value, 'value may only be set when valueFrom is INLINE'];
}

/** Where a plug-in comes from and how it runs: of a WasmPlugin, or of a TrafficExtension's `wasm`. */
export function checkWasm(plugin: Field, findings: Findings): void {
  findings.check(
    plugin.get('url'),
    urlProblem(plugin.get('url').text),
    'Write oci://registry/image:tag, or an https URL.',
  );
  findings.check(plugin.get('sha256'), hashProblem(plugin.get('sha256').text));
  if (Buffer.byteLength(plugin.get('imagePullSecret').text) > 253) {
    findings.reject(plugin.get('imagePullSecret'), 'imagePullSecret field must be less than 253 characters long');
  }
  if (Buffer.byteLength(plugin.get('pluginName').text) > 256) {
    findings.reject(plugin.get('pluginName'), 'pluginName field must be less than 255 characters long');
  }
  checkEnvironment(plugin.at('vmConfig.env'), findings);
}

/** `match`: the traffic that an extension sees, by port. */
export function checkTrafficSelectors(match: Field, findings: Findings): void {
  for (const [index, selector] of match.items.entries()) {
    for (const [at, port] of selector.get('ports').items.entries()) {
      const number = port.get('number').number;
      if (number >= 1 && number <= 65_535) continue;
      findings.reject(
        port,
        `spec.Match[${index}].Ports[${at}] is out of range: ${number}`,
        'Use a port from 1 to 65535.',
      );
    }
  }
}
