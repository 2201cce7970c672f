import type { HeaderRule, HeaderRules } from '../config/header-rules.ts';
import type { FormatSubject } from '../format/subject.ts';
import type { Headers } from './headers.ts';
import { isInline } from './inline-headers.ts';

/** Applies a route's or a weighted cluster's request header changes: first removals, then additions, as Envoy does. */
export function applyRequestRules(rules: HeaderRules | undefined, subject: FormatSubject): void {
  if (rules === undefined) return;
  for (const name of rules.requestRemove) subject.head.headers.remove(name);
  for (const rule of rules.requestSet) {
    applyRule(subject.head.headers, rule, rule.value(subject));
  }
}

export function applyResponseRules(rules: HeaderRules | undefined, subject: FormatSubject, headers: Headers): void {
  if (rules === undefined) return;
  for (const name of rules.responseRemove) headers.remove(name);
  for (const rule of rules.responseSet) applyRule(headers, rule, rule.value(subject));
}

function applyRule(headers: Headers, rule: HeaderRule, value: string): void {
  if (value === '' && !rule.keepsEmpty) return;
  const present = headers.has(rule.name);
  switch (rule.action) {
    case 'APPEND_IF_EXISTS_OR_ADD':
      if (present && isInline(rule.name)) headers.set(rule.name, `${headers.joined(rule.name)},${value}`);
      else headers.add(rule.name, value);
      return;
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      headers.set(rule.name, value);
      return;
    case 'ADD_IF_ABSENT':
      if (!present) headers.add(rule.name, value);
      return;
    case 'OVERWRITE_IF_EXISTS':
      if (present) headers.set(rule.name, value);
  }
}
