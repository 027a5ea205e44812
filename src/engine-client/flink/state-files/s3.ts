// Flink's files on S3, and on what speaks as S3 does. A folder is a prefix: it is there as long as a key begins with it, `FOLDER/` itself among them, which
// Hadoop's S3A puts for a folder that nothing is in.
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { S3Access } from '../../../api/s3.ts';
import { s3Client, s3PlaceOf, type S3Place } from '../s3-client.ts';
import type { FileStart, StateFiles } from './port.ts';
import { s3Trouble } from './s3-trouble.ts';

/** Of objects at once. One request each: not all that speak as S3 does can remove many with one. */
const REMOVALS = 32;

export class S3Files implements StateFiles {
  private readonly client: S3Client;
  private readonly access: S3Access;
  private readonly pageSize: number;

  /** Credentials, and the region where `access` names none, are those of the environment. `pageSize`: keys that a list has at most, 1000 with AWS. */
  constructor(access: S3Access, pageSize = 1000) {
    this.access = access;
    this.pageSize = pageSize;
    this.client = s3Client(access);
  }

  async folders(folder: string): Promise<string[]> {
    const place = s3PlaceOf(folder);
    const found: string[] = [];
    await this.during(place, async () => {
      const { bucket: Bucket, key } = place;
      for await (const { CommonPrefixes = [] } of this.pages({ Bucket, Prefix: `${key}/`, Delimiter: '/' }))
        found.push(...CommonPrefixes.map(({ Prefix = '' }) => `s3://${Bucket}/${Prefix.slice(0, -1)}`));
    });
    return found;
  }

  async start(file: string, bytes: number, from = 0): Promise<FileStart | null> {
    const place = s3PlaceOf(file);
    return this.during(place, async () => {
      const { bucket: Bucket, key: Key } = place;
      try {
        const { Body, LastModified } = await this.client.send(
          new GetObjectCommand({ Bucket, Key, Range: `bytes=${from}-${from + bytes - 1}` }),
        );
        const content = Buffer.from((await Body?.transformToByteArray()) ?? []).subarray(0, bytes);
        return { content, at: LastModified?.getTime() ?? 0 };
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        if (error.name === 'NoSuchKey') return null;
        // There is no such byte.
        if (error.name === 'InvalidRange') return { content: Buffer.alloc(0), at: 0 };
        throw error;
      }
    });
  }

  async remove(folder: string): Promise<void> {
    const place = s3PlaceOf(folder);
    await this.during(place, async () => {
      for await (const keys of this.keysIn(place)) await this.removeKeys(place.bucket, keys);
    });
  }

  async removeEmpty(folder: string): Promise<void> {
    const place = s3PlaceOf(folder);
    await this.during(place, async () => {
      for await (const keys of this.keysIn(place)) {
        if (keys.some((key) => key !== `${place.key}/`)) return;
        await this.removeKeys(place.bucket, keys);
      }
    });
  }

  /** Page by page. */
  private async *keysIn({ bucket: Bucket, key }: S3Place): AsyncGenerator<string[]> {
    for await (const { Contents = [] } of this.pages({ Bucket, Prefix: `${key}/` }))
      yield Contents.flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
  }

  private pages(input: { Bucket: string; Prefix: string; Delimiter?: string }) {
    return paginateListObjectsV2({ client: this.client, pageSize: this.pageSize }, input);
  }

  private async removeKeys(Bucket: string, keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += REMOVALS)
      await Promise.all(
        keys
          .slice(from, from + REMOVALS)
          .map(async (Key) => this.client.send(new DeleteObjectCommand({ Bucket, Key }))),
      );
  }

  private async during<T>({ bucket }: S3Place, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw s3Trouble(error, bucket, this.access);
    }
  }
}
