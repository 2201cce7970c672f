import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescField, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { lazyRegistry } from '../../../server/xds/codec/descriptor-files.ts';

const set = readFileSync(new URL('../../../server/xds/proto/envoy.binpb', import.meta.url));

const describeField = ({ name, number, fieldKind, scalar, message, enum: values }: DescField): unknown => [
  name,
  number,
  fieldKind,
  scalar,
  message?.typeName,
  values?.typeName,
];
const messageFields = (message: DescMessage): DescMessage[] =>
  message.fields.flatMap((field) => (field.message ? [field.message] : []));

describe('a registry that reads the files of a compiled set when they are needed', () => {
  it('describes every message as a registry of all files does', () => {
    const lazy = lazyRegistry(set);
    const all = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, set))].filter(
      (type) => type.kind === 'message',
    );
    expect(all.length).toBeGreaterThan(900);
    for (const message of all) {
      expect(lazy.getMessage(message.typeName)?.fields.map(describeField), message.typeName).toEqual(
        message.fields.map(describeField),
      );
    }
  });

  it('has one description of a message, whoever refers to it', () => {
    const lazy = lazyRegistry(set);
    for (const name of ['envoy.config.listener.v3.Listener', 'envoy.config.cluster.v3.Cluster']) {
      const message = lazy.getMessage(name);
      expect(message).toBeDefined();
      for (const field of message ? messageFields(message) : []) expect(lazy.getMessage(field.typeName)).toBe(field);
    }
  });

  it('does not know messages that no file has', () => {
    const lazy = lazyRegistry(set);
    expect(lazy.getMessage('envoy.config.listener.v3.Listener.None')).toBeUndefined();
    expect(lazy.getMessage('none')).toBeUndefined();
    expect(lazy.getMessage('')).toBeUndefined();
  });
});
