//! A model's tables are written down twice, in SQL and as rows; here one is held against the other.

use std::collections::BTreeSet;

use daftar_projections::{MODELS, Place};

use crate::spec::database;

#[tokio::test]
async fn tables_are_as_the_folds_believe_them_to_be() {
    let (_database, pool) = database().await;
    for model in MODELS {
        let mut tables = BTreeSet::new();
        for (table, columns) in model.shapes() {
            // As COPY and the queries see them: in any order, every one of them.
            let mut believed: Vec<_> = columns.into_iter().map(|(name, kind, optional)| (name.to_owned(), kind, optional)).collect();
            believed.sort();
            let sql = "SELECT column_name::text, upper(CASE data_type WHEN 'ARRAY' THEN ltrim(udt_name, '_') || '[]' ELSE udt_name END),
                              is_nullable = 'YES'
                       FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 ORDER BY column_name COLLATE \"C\"";
            let there: Vec<(String, String, bool)> =
                sqlx::query_as(sql).bind(Place::Live.schema(model)).bind(table).fetch_all(&pool).await.unwrap();
            assert_eq!(there, believed, "{model:?}: {table}");
            tables.insert(table.to_owned());
        }
        let sql = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'";
        let there: Vec<String> = sqlx::query_scalar(sql).bind(Place::Live.schema(model)).fetch_all(&pool).await.unwrap();
        assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), tables, "{model:?}");
    }
}

/// People who use SQL need not know how many decimals a currency has.
#[tokio::test]
async fn every_table_with_money_has_a_view_in_decimals() {
    let (_database, pool) = database().await;
    let mut with_money = 0;
    for model in MODELS {
        for (table, columns) in model.shapes() {
            let has_amounts = columns.iter().any(|(name, kind, _)| kind == "INT8" && !["position", "revision"].contains(name));
            if has_amounts && columns.iter().any(|(name, ..)| *name == "currency") {
                with_money += 1;
                let sql = "SELECT count(*) FROM information_schema.view_table_usage
                           WHERE table_schema = $1 AND table_name = $2 AND view_name LIKE '%_in_decimals'";
                let schema = Place::Live.schema(model);
                let views: i64 = sqlx::query_scalar(sql).bind(&schema).bind(table).fetch_one(&pool).await.unwrap();
                assert!(views > 0, "{schema}.{table} has amounts and no view in decimals");
            }
        }
    }
    assert!(with_money > 10, "{with_money}");
}
