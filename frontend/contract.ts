import type { components } from "./.vite/schema";
import type * as I from "./src/api/insights";
import type * as P from "./src/api/page-types";
import type * as R from "./src/api/release";
import type * as T from "./src/api/types";

type S = components["schemas"];

/** Compiles only while what the server says it answers can be read as what the pages expect. */
type Reads<Ours, Theirs extends Ours> = [Ours, Theirs];

/** What we send may be frozen; what the server reads is the same without that. */
type Thawed<T> = T extends readonly (infer E)[]
  ? Thawed<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Thawed<T[K]> }
    : T;

type Evidence = NonNullable<T.AnnotationBody["evidence_details"]>;

/** The generator calls fields with a default required; the server does without them. */
type Judged = Omit<T.AnnotationBody, "evidence_details"> & {
  comment: string;
  review: boolean;
  evidence_details?: Evidence & { review: boolean };
};

export type Contract = [
  Reads<T.Session, S["SessionOut"]>,
  Reads<T.Page<T.ApiToken>, S["TokenList"]>,
  Reads<T.ApiToken, S["TokenCreated"]>,
  Reads<T.Page<T.Member>, S["MemberList"]>,
  Reads<T.Page<T.ProjectCard>, S["ProjectList"]>,
  Reads<T.Project, S["ProjectOut"]>,
  Reads<T.Overview, S["OverviewOut"]>,
  Reads<T.CategoryList, S["CategoryTree"]>,
  Reads<T.TriedWords, S["TryOut"]>,
  Reads<T.BulkResult, S["BulkOut"]>,
  Reads<T.ImportBatch, S["BatchOut"]>,
  Reads<{ results: readonly T.FileResult[] }, S["FilesOut"]>,
  Reads<T.Page<T.ImportIssue>, S["IssueList"]>,
  Reads<T.Page<T.ImageItem>, S["ImageList"]>,
  Reads<T.ImageDetail, S["ImageDetail"]>,
  Reads<T.Facets, S["FacetsOut"]>,
  Reads<T.Page<T.ImageItem>, S["SimilarOut"]>,
  Reads<T.Lease, S["LeaseOut"]>,
  Reads<P.PagesLease, S["LeasePagesOut"]>,
  Reads<S["LeasePagesInRequest"], Thawed<P.PagesAsk>>,
  Reads<P.Renewed, S["RenewedOut"]>,
  Reads<S["CommitInRequest"], Thawed<P.PageCommit>>,
  Reads<P.CommitAnswer, S["CommittedOut"]>,
  Reads<P.Teaching, S["TeachingOut"]>,
  Reads<T.Page<P.ReviewItem>, S["ReviewPageOut"]>,
  Reads<P.Gold, S["GoldOut"]>,
  Reads<S["AnnotationInRequest"], Judged>,
  Reads<T.Page<T.Job>, S["JobList"]>,
  Reads<T.Job, S["JobDetail"]>,
  Reads<T.Page<T.Export>, S["ExportList"]>,
  Reads<T.Page<T.Encoder>, S["EncoderListOut"]>,
  Reads<{ readonly items: readonly I.Annotator[] }, S["AnnotatorList"]>,
  Reads<I.Agreement, S["AgreementOut"]>,
  Reads<R.ReleaseReport, S["ReleaseReportOut"]>,
  Reads<I.Costs, S["CostsOut"]>,
  Reads<I.HowMuchMore, S["HowMuchMoreOut"]>,
  Reads<I.LabelErrors, S["SuspectPageOut"]>,
];
