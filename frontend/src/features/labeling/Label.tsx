import { useLocation, useRoute } from "preact-iso";
import { Labeling } from "./Labeling";

export default function Label() {
  const { params } = useRoute();
  const category = Number(useLocation().query.category);
  return <Labeling project={Number(params.id)} kind="pages" {...(category > 0 ? { category } : {})} />;
}
