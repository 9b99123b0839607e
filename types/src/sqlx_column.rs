//! Newtypes as values of database columns.

/// Implements the traits of `sqlx` for a newtype, as its member does. `derive(sqlx::Type)` would do
/// the same, but needs the macros of `sqlx`.
macro_rules! sqlx_column {
    ($name:ident($inner:ty)) => {
        impl<D: sqlx::Database> sqlx::Type<D> for $name
        where
            $inner: sqlx::Type<D>,
        {
            fn type_info() -> D::TypeInfo {
                <$inner as sqlx::Type<D>>::type_info()
            }

            fn compatible(found: &D::TypeInfo) -> bool {
                <$inner as sqlx::Type<D>>::compatible(found)
            }
        }

        impl<'q, D: sqlx::Database> sqlx::Encode<'q, D> for $name
        where
            $inner: sqlx::Encode<'q, D>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut D::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                sqlx::Encode::<D>::encode_by_ref(&self.0, buffer)
            }
        }

        impl<'r, D: sqlx::Database> sqlx::Decode<'r, D> for $name
        where
            $inner: sqlx::Decode<'r, D>,
        {
            fn decode(value: D::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                <$inner as sqlx::Decode<'r, D>>::decode(value).map(Self)
            }
        }
    };
}
pub(crate) use sqlx_column;
