//! Projections: what streams tell the catalogue.
