import { randomBytes } from 'node:crypto';
import type { AccountTokens } from '#ca';
import type { ServiceAccountTokens, UserInfo } from '#kube-api';

const API_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';

/** Who may call the API: the holder of the kubeconfig, and service accounts with a token of this cluster. */
export interface ApiUsers {
  /** Of `kubernetes-admin`. */
  readonly adminToken: string;
  authenticate(token: string): UserInfo | undefined;
  readonly tokens: ServiceAccountTokens;
}

const administrator: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

export function createApiUsers(accounts: AccountTokens): ApiUsers {
  const adminToken = randomBytes(24).toString('base64url');
  const review = (token: string) => {
    const claims = accounts.review(token);
    if (claims === undefined) return undefined;
    const { namespace, name, uid, audiences } = claims;
    const user: UserInfo = {
      username: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    };
    return { user, audiences };
  };
  return {
    adminToken,
    authenticate: (token) => {
      if (token === adminToken) return administrator;
      const account = review(token);
      return account?.audiences.includes(API_AUDIENCE) === true ? account.user : undefined;
    },
    tokens: {
      issue: ({ account, accountUid, audiences, expirationSeconds }) =>
        accounts.issue({ ...account, uid: accountUid, audiences }, expirationSeconds),
      review,
    },
  };
}
