import type { KubeObject } from '#domain';
import type { JsonRecord } from '../json.ts';
import { KubeStatusError } from '../status-error.ts';
import { type ObjectForm, objectForm } from './negotiate.ts';
import { type ResourceRequest, shown } from './resource.ts';
import { partialMetadata, type TableOptions, tableOf } from './table.ts';

/** Refuses with 406 when the client takes nothing that we can send. */
export function formOf({ exchange }: ResourceRequest): ObjectForm {
  const form = objectForm(exchange.header('accept'));
  if (form) return form;
  const accepted = 'application/json, application/json;as=Table;v=v1;g=meta.k8s.io';
  throw new KubeStatusError('NotAcceptable', `only the following media types are accepted: ${accepted}`);
}

/** What a Table shows at this time, for this request. */
export function tableOptions(request: ResourceRequest, form: ObjectForm, nowMs: number): TableOptions {
  const wanted = request.exchange.query.get('includeObject');
  const includeObject = wanted === 'Object' || wanted === 'None' ? wanted : 'Metadata';
  return { version: form.version, nowMs, includeObject, withColumns: true };
}

/** One object in the form that the client wants. */
export function answerObject(request: ResourceRequest, object: KubeObject, nowMs: number, status = 200): void {
  const form = formOf(request);
  request.exchange.json(status, inForm(request, object, form, nowMs));
}

function inForm(request: ResourceRequest, object: KubeObject, form: ObjectForm, nowMs: number): JsonRecord {
  if (form.as === 'Object') return shown(request, object);
  if (form.as === 'PartialObjectMetadata') return partialMetadata(object, form.version);
  const { resourceVersion } = object.metadata;
  return tableOf(request.stored, [object], { resourceVersion }, tableOptions(request, form, nowMs));
}

/** A list in the form that the client wants. */
export function answerList(
  request: ResourceRequest,
  objects: readonly KubeObject[],
  metadata: JsonRecord,
  nowMs: number,
): void {
  const form = formOf(request);
  const { apiVersion, exchange, kind, stored } = request;
  if (form.as === 'Table') {
    exchange.json(200, tableOf(stored, objects, metadata, tableOptions(request, form, nowMs)));
  } else if (form.as === 'PartialObjectMetadata') {
    const partial = objects.map((object) => partialMetadata(object, form.version));
    const version = `meta.k8s.io/${form.version}`;
    exchange.json(200, { kind: 'PartialObjectMetadataList', apiVersion: version, metadata, items: partial });
  } else {
    const items = objects.map((object) => shown(request, object));
    exchange.json(200, { kind: `${kind.kind}List`, apiVersion, metadata, items });
  }
}
