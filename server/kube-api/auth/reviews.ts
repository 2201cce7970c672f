import type { AccessRequest, UserInfo } from '../doors.ts';
import type { ApiContext } from '../http/context.ts';
import type { ResourceRequest } from '../http/resource.ts';
import { decodedBody } from '../http/writes.ts';
import { isRecord, type JsonRecord } from '../json.ts';
import { at, textAt } from '../kinds/columns.ts';
import { badRequest } from '../status-error.ts';
import type { Access } from './access.ts';
import { ADMINISTRATORS, grantsOf } from './rbac.ts';

/** POST of a review: the question comes back with its answer in the status. */
export async function review(request: ResourceRequest, context: ApiContext, access: Access): Promise<void> {
  const { apiVersion, exchange, kind } = request;
  const body = await decodedBody(request);
  if (body['kind'] !== undefined && body['kind'] !== kind.kind) {
    throw badRequest(`${String(body['kind'])} cannot be handled as a ${kind.kind}`);
  }
  const answer = answers[kind.kind];
  if (!answer) throw badRequest(`${kind.kind} cannot be created`);
  const question = { ...body, metadata: { creationTimestamp: null }, kind: kind.kind, apiVersion };
  exchange.json(201, { ...question, status: answer({ body, user: exchange.user, context, access, request }) });
}

interface Question {
  readonly body: JsonRecord;
  readonly user: UserInfo;
  readonly context: ApiContext;
  readonly access: Access;
  readonly request: ResourceRequest;
}

const userStatus = ({ extra, groups, uid, username }: UserInfo): JsonRecord => ({
  username,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra }),
});

const answers: Readonly<Record<string, (question: Question) => JsonRecord>> = {
  SelfSubjectReview: ({ user }) => ({ userInfo: userStatus(user) }),
  SelfSubjectAccessReview: ({ access, body, user }) => decision(access, body, user),
  SubjectAccessReview: ({ access, body }) => decision(access, body, subjectOf(body)),
  LocalSubjectAccessReview: ({ access, body }) => decision(access, body, subjectOf(body)),
  SelfSubjectRulesReview: rules,
  TokenReview: ({ body, context }) => {
    const token = textAt(body, 'spec.token') ?? '';
    const { authenticate, tokens } = context.options;
    const proved = tokens?.review(token);
    const user = proved?.user ?? authenticate?.(token);
    if (!user) return { authenticated: false, user: {}, error: 'invalid bearer token' };
    return { authenticated: true, user: userStatus(user), ...(proved ? { audiences: proved.audiences } : {}) };
  },
};

function subjectOf(body: JsonRecord): UserInfo {
  const groups = at(body, 'spec.groups');
  return { username: textAt(body, 'spec.user') ?? '', groups: Array.isArray(groups) ? groups.map(String) : [] };
}

function accessRequest(body: JsonRecord, user: UserInfo): AccessRequest {
  const resource = at(body, 'spec.resourceAttributes');
  const other = at(body, 'spec.nonResourceAttributes');
  if (isRecord(resource)) {
    const word = (field: string): string => textAt(resource, field) ?? '';
    const place = {
      group: word('group'),
      version: word('version'),
      resource: word('resource'),
      subresource: word('subresource'),
      namespace: word('namespace'),
      name: word('name'),
    };
    return { user, verb: word('verb'), resource: place, path: '' };
  }
  if (isRecord(other)) return { user, verb: textAt(other, 'verb') ?? '', path: textAt(other, 'path') ?? '' };
  throw badRequest('spec: exactly one of nonResourceAttributes or resourceAttributes must be specified');
}

function decision(access: Access, body: JsonRecord, user: UserInfo): JsonRecord {
  const { allowed, reason } = access.decide(accessRequest(body, user));
  return { allowed, ...(reason ? { reason } : {}) };
}

function rules({ body, context, user }: Question): JsonRecord {
  const namespace = textAt(body, 'spec.namespace') ?? '';
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const anywhere = { verbs: ['*'], nonResourceURLs: ['*'] };
  if (user.groups.includes(ADMINISTRATORS)) {
    return { resourceRules: [everything], nonResourceRules: [anywhere], incomplete: false };
  }
  const granted = grantsOf(context.store, user, namespace).flatMap((each) => each.rules);
  const resourceRules = granted
    .filter((rule) => rule.resources.length > 0)
    .map(({ apiGroups, resourceNames, resources, verbs }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames.length > 0 ? { resourceNames } : {}),
    }));
  const nonResourceRules = granted
    .filter((rule) => rule.nonResourceURLs.length > 0)
    .map(({ nonResourceURLs, verbs }) => ({ verbs, nonResourceURLs }));
  return { resourceRules, nonResourceRules, incomplete: false };
}
