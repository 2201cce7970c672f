import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { outliveFaults } from '../../../server/cli/faults.ts';

describe('a mesh that meets a fault of its own', () => {
  it('tells it with its place, and goes on', () => {
    const process = new EventEmitter();
    const told: string[] = [];
    outliveFaults(process, (line) => told.push(line));
    process.emit('uncaughtException', new TypeError('x is undefined'));
    process.emit('uncaughtException', 'no error at all');
    expect(told).toHaveLength(2);
    expect(told[0]).toContain('the mesh goes on. TypeError: x is undefined\n    at ');
    expect(told[1]).toMatch(/goes on\. no error at all$/);
  });

  it('ends by one that comes again and again', () => {
    const process = new EventEmitter();
    const told: string[] = [];
    outliveFaults(process, (line) => told.push(line));
    const again = new Error('again');
    for (let i = 0; i < 100; i++) process.emit('uncaughtException', again);
    expect(() => process.emit('uncaughtException', again)).toThrow(again);
    expect(told).toHaveLength(100);
  });

  it('leaves what comes after it alone', () => {
    const process = new EventEmitter();
    const done = outliveFaults(process, () => undefined);
    done();
    expect(process.listenerCount('uncaughtException')).toBe(0);
  });
});
