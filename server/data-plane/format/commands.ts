import { ADDRESS_COMMANDS } from './addresses.ts';
import { BYTE_COUNT_COMMANDS } from './byte-counts.ts';
import { CEL_COMMANDS } from './cel-commands.ts';
import { CERTIFICATE_COMMANDS } from './certificates.ts';
import { clientCertificateValue } from './client-certificate.ts';
import { coalesce } from './coalesce.ts';
import { ENDING_COMMANDS } from './endings.ts';
import { MESSAGE_COMMANDS } from './messages.ts';
import { METADATA_COMMANDS } from './metadata.ts';
import { STREAM_COMMANDS } from './stream.ts';
import type { CommandReader } from './subject.ts';
import { TIME_COMMANDS } from './times.ts';
import { UNTOLD_COMMANDS } from './untold.ts';

/** Every command of Envoy's format strings that this proxy knows, by name. */
export const COMMANDS: Readonly<Record<string, CommandReader>> = {
  ...STREAM_COMMANDS,
  ...MESSAGE_COMMANDS,
  ...TIME_COMMANDS,
  ...ADDRESS_COMMANDS,
  ...CERTIFICATE_COMMANDS,
  ...METADATA_COMMANDS,
  ...CEL_COMMANDS,
  ...BYTE_COUNT_COMMANDS,
  ...ENDING_COMMANDS,
  ...UNTOLD_COMMANDS,
  XFCC_VALUE: clientCertificateValue,
  COALESCE: (argument, field) => coalesce(COMMANDS, argument, field),
};
