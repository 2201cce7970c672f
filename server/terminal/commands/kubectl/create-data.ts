import { createPrivateKey, X509Certificate } from 'node:crypto';
import { type FlagSpec, type Flags, many, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { usage } from './errors.ts';
import type { NewObject } from './new-object.ts';

/** Flags of `kubectl create secret` and `kubectl create configmap`. */
export const dataFlags: FlagSpec = {
  cert: value(),
  key: value(),
  type: value(),
  'from-file': many(),
  'from-literal': many(),
};

/** The Secret that `kubectl create secret tls|generic NAME` describes. UsageError in kubectl's words. */
export function secretFrom([form, ...names]: readonly string[], flags: Flags, context: ShellContext): NewObject {
  if (form !== 'tls' && form !== 'generic')
    throw usage('create secret', `unknown command "${form ?? ''}"; tls and generic are known here`);
  const metadata = { name: oneName(`create secret ${form}`, names) };
  const data = form === 'tls' ? pairOf(flags, context) : entriesOf(flags, context);
  const type = form === 'tls' ? 'kubernetes.io/tls' : flags.text('type');
  const encoded = Object.fromEntries(
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata, ...(type && { type }), data: encoded };
}

/** The ConfigMap that `kubectl create configmap NAME` describes. */
export const configMapFrom = (names: readonly string[], flags: Flags, context: ShellContext): NewObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: oneName('create configmap', names) },
  data: entriesOf(flags, context),
});

function oneName(verb: string, names: readonly string[]): string {
  const [name] = names;
  if (name === undefined || names.length > 1) throw usage(verb, `exactly one NAME is required, got ${names.length}`);
  return name;
}

function pairOf(flags: Flags, context: ShellContext): Record<string, string> {
  const [certFile, keyFile] = [flags.text('cert'), flags.text('key')];
  if (!certFile || !keyFile) throw new UsageError('error: key and cert must be specified');
  const [cert, key] = [readFile(certFile, context), readFile(keyFile, context)];
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new UsageError('error: tls: private key does not match public key');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`error: tls: failed to find a certificate in ${certFile} and its key in ${keyFile}`);
  }
  return { 'tls.crt': cert, 'tls.key': key };
}

/** `--from-file=[key=]path` and `--from-literal=key=value`. */
function entriesOf(flags: Flags, context: ShellContext): Record<string, string> {
  const data: Record<string, string> = {};
  const add = (key: string, text: string): void => {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key)) throw new UsageError(`error: "${key}" is not a valid key name`);
    if (Object.hasOwn(data, key))
      throw new UsageError(`error: cannot add key "${key}", another key by that name already exists`);
    data[key] = text;
  };
  for (const source of flags.all('from-file')) {
    const equals = source.indexOf('=');
    const path = source.slice(equals + 1);
    add(equals < 0 ? (path.split('/').at(-1) ?? path) : source.slice(0, equals), readFile(path, context));
  }
  for (const source of flags.all('from-literal')) {
    const equals = source.indexOf('=');
    if (equals <= 0) throw new UsageError(`error: invalid literal source ${source}, expected key=value`);
    add(source.slice(0, equals), source.slice(equals + 1));
  }
  return data;
}

function readFile(path: string, context: ShellContext): string {
  const text = context.files.read(path);
  if (text === undefined) throw new UsageError(`error: open ${path}: no such file or directory`);
  return text;
}
