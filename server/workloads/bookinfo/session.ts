import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The signed-in user lives in a cookie: `<base64url of {"user": …}>.<HMAC>`. All replicas of the page must accept one another's
 * cookies without sharing storage, so the key is made from what they have in common.
 */
export interface Sessions {
  /** The user that the Cookie header proves, or undefined. */
  user(cookieHeader: string | undefined): string | undefined;
  /** Set-Cookie value that signs this user in. */
  signIn(user: string): string;
  /** Set-Cookie value that signs out. */
  signOut(): string;
}

const ATTRIBUTES = 'HttpOnly; Path=/; SameSite=Lax';
const MAX_USER_LENGTH = 64;

export function createSessions(key: string): Sessions {
  const sign = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest();
  return {
    user: (cookieHeader) => {
      const cookie = cookieHeader?.split(';').find((part) => part.trim().startsWith('session='));
      const [payload, signature] = cookie?.trim().slice('session='.length).split('.') ?? [];
      if (payload === undefined || signature === undefined) return undefined;
      const expected = sign(payload);
      const given = Buffer.from(signature, 'base64url');
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const { user } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { user: string };
      return user;
    },
    signIn: (user) => {
      const payload = Buffer.from(JSON.stringify({ user: user.slice(0, MAX_USER_LENGTH) })).toString('base64url');
      return `session=${payload}.${sign(payload).toString('base64url')}; ${ATTRIBUTES}`;
    },
    signOut: () => `session=; ${ATTRIBUTES}; Max-Age=0`,
  };
}
