import type { Command, ShellWorld } from '../../command.ts';
import type { OpensslWorld, Verb } from './context.ts';
import { ecparam, genpkey, genrsa, pkey } from './keys.ts';
import { req } from './request.ts';
import { sClient } from './s-client.ts';
import { UsageError } from './shell.ts';
import { verify } from './verify.ts';
import { x509 } from './x509.ts';

export const OPENSSL_MANUAL = `openssl <command> [options]
Keys, certificates and TLS, as the openssl of your machine has them. Files are those of this shell; nothing is encrypted with a pass phrase.

openssl genrsa [-out file] [2048]                 openssl ecparam -name prime256v1 -genkey -noout [-out file]
openssl genpkey -algorithm RSA|EC|ED25519 [-pkeyopt ec_paramgen_curve:P-256] [-out file]
openssl pkey -in key [-pubout] [-text] [-noout]   a key, or its public half
openssl req -new -key key -subj /CN=name [-addext subjectAltName=DNS:name] [-out csr]     asks for a certificate
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout key -subj /CN=root [-days n] [-out cert]
openssl req -in csr -noout -text|-subject|-verify
openssl x509 -req -in csr -CA ca -CAkey key [-CAcreateserial] [-copy_extensions copy] [-extfile file] [-days n]
             [-not_before 20250101000000Z] [-not_after …] [-out cert]                       signs the request
openssl x509 -in cert -noout [-text] [-subject] [-issuer] [-dates] [-serial] [-fingerprint -sha256] [-pubkey] [-ext subjectAltName]
             [-checkend seconds] [-checkhost name]
openssl verify [-CAfile roots] [-untrusted chain] [-verify_hostname name] [-purpose sslserver] [-show_chain] cert…
openssl s_client -connect host:port [-servername name] [-CAfile roots] [-verify_hostname name] [-verify_return_error]
             [-cert cert -key key] [-alpn a,b] [-tls1_2|-tls1_3] [-showcerts] [-brief] [-quiet]      what is piped in is sent`;

const version: Verb = async (_args, io) => {
  io.out(`OpenSSL ${process.versions.openssl ?? ''} (of this lab's Node, with its own command line)\n`);
  return 0;
};

const verbs: ReadonlyMap<string, Verb> = new Map([
  ['genrsa', genrsa],
  ['genpkey', genpkey],
  ['ecparam', ecparam],
  ['pkey', pkey('pkey')],
  ['rsa', pkey('rsa')],
  ['ec', pkey('ec')],
  ['req', req],
  ['x509', x509],
  ['verify', verify],
  ['s_client', sClient],
  ['version', version],
]);

/** Runs openssl in a world; resolves with its exit code. */
export const runOpenssl: Verb = async ([name, ...args], io, world) => {
  if (name === undefined || name === 'help' || args.includes('-help')) {
    io.out(`${OPENSSL_MANUAL}\n`);
    return 0;
  }
  const verb = verbs.get(name);
  if (verb === undefined)
    throw new UsageError(`Invalid command '${name}'; type "man openssl" for the commands that are known here.`);
  return verb(args, io, world);
};

/** The command for a shell; `dialOf` tells how that shell's programs connect. */
export const opensslCommand = <World extends ShellWorld>(
  dialOf: (world: World) => OpensslWorld['dial'],
): Command<World> => ({
  name: 'openssl',
  summary: 'keys, certificates and TLS handshakes',
  manual: OPENSSL_MANUAL,
  run: (args, io, world) => runOpenssl(args, io, { clock: world.clock, files: world.files, dial: dialOf(world) }),
  complete: (words, world) => {
    if (words.length <= 1) return [...verbs.keys()];
    return words.at(-1)?.startsWith('-') ? [] : world.files.list('');
  },
});
