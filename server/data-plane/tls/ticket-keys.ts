import { randomBytes } from 'node:crypto';
import type { SecureContext } from 'node:tls';

const PART_BYTES = 16;
const HMAC_BYTES = 32;
/** What OpenSSL is answered: the ticket is another's, begin anew; write one; go on with it, and give a new one. */
const [FOREIGN, WRITTEN, RENEWED] = [0, 1, 2];

const renewing = new WeakSet<SecureContext>();

/**
 * Gives a server's context ticket keys of its own, so that a client of TLS 1.3 that takes up its session gets a ticket for the next one, as
 * from Envoy. By itself Node answers OpenSSL that no ticket is to be renewed. Node has no public property for it: where it is not there, all
 * stays as Node has it.
 */
export function renewTickets(context: SecureContext): void {
  const handle: unknown = Reflect.get(context, 'context');
  const enable: unknown = handle instanceof Object ? Reflect.get(handle, 'enableTicketKeyCallback') : undefined;
  if (!(handle instanceof Object) || typeof enable !== 'function') return;
  const [name, hmac, aes] = [randomBytes(PART_BYTES), randomBytes(HMAC_BYTES), randomBytes(PART_BYTES)];
  const onTicket = (given: Buffer, _iv: Buffer, writes: boolean) => {
    if (writes) return [WRITTEN, hmac, aes, name, randomBytes(PART_BYTES)];
    return [given.equals(name) ? RENEWED : FOREIGN, hmac, aes];
  };
  Reflect.set(handle, 'onticketkeycallback', onTicket);
  enable.call(handle);
  renewing.add(context);
}

/** Whether a client that takes up its session under this context gets a new ticket. */
export const renewsTickets = (context: SecureContext): boolean => renewing.has(context);
